export function check(good: boolean, what: string): void {
  if (!good) throw new Error(what);
}

export const url: string = process.argv[2] ?? "";

/** The cursor in `next`, or undefined on the last page. */
export function cursor(next: string | null): string | undefined {
  return next === null ? undefined : (new URL(next, url).searchParams.get("after") ?? undefined);
}

export const tomorrow = (): Date => new Date(Date.now() + 86_400_000);
