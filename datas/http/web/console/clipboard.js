// Copying, where the browser allows it.

/** Copies an element's text, or else selects it; whether it is copied. */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Without TLS a page may write to the clipboard on localhost alone.
    getSelection().selectAllChildren(element);
    return false;
  }
}
