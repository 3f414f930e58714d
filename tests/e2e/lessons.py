"""The console's lessons, done by clicking and typing like a learner; for tests and for pictures.

Every control that a learner needs must be in sight without scrolling the page: `Learner` looks at
that whenever it presses or fills in one.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

SIZES = {"laptop": (1280, 900), "desk": (1920, 1080), "phone": (390, 844)}
# Whether an element's middle is what one sees and can press there, and its box inside the window.
IN_SIGHT = """element => {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const within = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
  return within && (element.contains(seen) || element.labels?.[0]?.contains(seen) || false);
}"""
SCROLLS = """() => {
  const { scrollWidth, scrollHeight } = document.documentElement;
  return scrollWidth > innerWidth || scrollHeight > innerHeight || scrollY > 0;
}"""


@dataclass
class Learner:
    """Does lessons on an open page."""

    page: Page
    terminal: Callable[[str], object] = lambda command: subprocess.run(
        ["bash", "-c", command], check=True, capture_output=True, timeout=20
    )

    def open(self, number: int) -> None:
        """Open a lesson by the page's address."""
        self.page.evaluate(f"location.hash = '#lesson={number}'")
        expect(self.page.locator("#lesson-count")).to_contain_text(f"Lesson {number} of")

    def measure(self) -> None:
        """The lesson, the request and the answer are seen at once, and the page does not scroll."""
        for selector in ("#lesson", "#lesson-next", "#tabs", "#answer-title"):
            assert self.page.locator(selector).evaluate(IN_SIGHT), f"{selector} is out of sight"
        assert self.page.locator("#answer").evaluate("e => e.clientHeight") >= 190
        assert not self.page.evaluate(SCROLLS), self.page.evaluate(
            "`the page scrolls by ${document.documentElement.scrollHeight - innerHeight}`"
        )

    def press(self, what: Locator) -> None:
        """Press a control, which must be in sight; one in the answer may have to be scrolled to."""
        expect(what).to_be_visible()
        self.measure()
        if not what.evaluate("e => Boolean(e.closest('#answer'))"):
            assert what.evaluate(IN_SIGHT), f"{what} is out of sight"
        what.click()

    def write(self, text: str) -> None:
        """Fill in the first field of the record's form."""
        field = self.page.locator("#record-fields input").first
        assert field.evaluate(IN_SIGHT), "the form is out of sight"
        field.fill(text)

    def button(self, name: str, within: str = "main") -> Locator:
        return self.page.locator(within).get_by_role("button", name=name, exact=True)

    def create(self, text: str) -> None:
        self.write(text)
        self.press(self.button("Create"))
        self.answered("201")

    def edit(self, text: str) -> None:
        self.press(self.page.get_by_role("button", name=re.compile("^Edit ")).first)
        self.write(text)

    def save(self, text: str) -> None:
        self.edit(text)
        self.press(self.button("Save"))
        self.answered("200")

    def act(self, step: int = 1) -> None:
        """Press the button that fills in what this step needs, and send it."""
        expect(self.page.locator("#lesson-steps .done")).to_have_count(step - 1)
        self.press(self.page.locator("#lesson-act"))
        self.press(self.button("Send", "#free"))
        expect(self.page.locator("#lesson-steps .done")).to_have_count(step)

    def answered(self, status: str) -> None:
        expect(self.page.locator("#answer .wire > .kind").first).to_contain_text(status)
        self.measure()


def _create(learner: Learner) -> None:
    learner.create("hello")


def _look_inside(learner: Learner) -> None:
    parts = learner.page.locator(".times button")
    if not parts.count():
        learner.create("hello")
    times = [
        float((re.findall(r"[\d.]+(?= ms)", it) or ["0"])[0]) for it in parts.all_inner_texts()
    ]
    learner.press(parts.nth(times.index(max(times))))
    learner.write("")
    learner.press(learner.button("Create"))
    learner.answered("400")
    learner.press(learner.page.locator(".times button.stopped"))


def _read_the_location(learner: Learner) -> None:
    learner.create("another")
    learner.press(learner.page.get_by_role("button", name=re.compile("^Read .api.")))


def _read_about_a_problem(learner: Learner) -> None:
    learner.write("")
    learner.press(learner.button("Create"))
    learner.answered("400")
    with learner.page.expect_popup() as popup:
        learner.press(learner.page.get_by_role("link", name="Read about this problem"))
    expect(popup.value.get_by_role("heading", level=1)).to_contain_text("invalid")
    popup.value.close()


def _replace_twice(learner: Learner) -> None:
    learner.save("once")
    learner.save("twice")


def _fill_in(count: int) -> Callable[[Learner], None]:
    def act(learner: Learner) -> None:
        for step in range(1, count + 1):
            learner.act(step)

    return act


def _page_to_the_end(learner: Learner) -> None:
    learner.act()
    following = learner.page.get_by_role("button", name="Read the next page")
    while following.count():
        with learner.page.expect_response("**/api/**"):
            learner.press(following)
        expect(learner.page.locator("#answer[aria-busy=false]")).to_be_visible()


def _ask_again_for_free(learner: Learner) -> None:
    learner.press(learner.page.get_by_role("button", name=re.compile(r"^Read \w")).first)
    learner.answered("200")
    learner.act(2)
    learner.answered("304")


def _lose_a_race(learner: Learner) -> None:
    learner.edit("mine")
    learner.press(learner.page.locator("#lesson-act"))
    learner.answered("200")
    learner.press(learner.button("Save"))
    learner.answered("412")
    expect(learner.page.locator("#conflict")).to_contain_text("(theirs)")
    learner.press(learner.page.locator("#record-save"))
    learner.answered("200")


def _look_for_the_deleted(learner: Learner) -> None:
    learner.press(learner.page.get_by_role("button", name=re.compile("^Delete ")).first)
    learner.answered("200")
    learner.act(2)
    learner.answered("404")


def _use_a_token(learner: Learner) -> None:
    page = learner.page
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    learner.press(learner.button("Register"))
    learner.answered("201")
    learner.press(learner.button("Sign in", "#session"))
    learner.press(learner.button("Ask who I am"))
    learner.answered("200")


def _use_a_terminal(learner: Learner) -> None:
    expect(learner.page.locator("#client-list li").first).to_be_visible()
    learner.terminal(learner.page.locator("#client-command").inner_text())
    expect(learner.page.locator("#lesson-steps .done")).to_have_count(1)
    expect(learner.page.locator("#client-list li").first).to_contain_text("curl")
    learner.measure()
    expect(learner.page.locator("#client-command")).to_contain_text("POST")
    learner.terminal(learner.page.locator("#client-command").inner_text())


LESSONS: dict[str, Callable[[Learner], None]] = {
    "Create your first": _create,
    "Look inside": _look_inside,
    "Read the address": _read_the_location,
    "Make a mistake": _read_about_a_problem,
    "Change a record": _replace_twice,
    "Ask for the impossible": _fill_in(2),
    "Page through": _page_to_the_end,
    "Ask again for free": _ask_again_for_free,
    "Two people": _lose_a_race,
    "the same order twice": _fill_in(2),
    "got lost": _fill_in(2),
    "A slow server": _fill_in(3),
    "Delete it": _look_for_the_deleted,
    "Sign in": _use_a_token,
    "Stream everything": _fill_in(2),
    "Your own client": _use_a_terminal,
}


def learn(learner: Learner, title: str) -> None:
    """Do the lesson that is open, which has this title."""
    expect(learner.page.locator("#lesson-title")).to_contain_text(title)
    expect(learner.page.locator("#lesson-done")).to_be_empty()
    learner.measure()
    LESSONS[title](learner)
    expect(learner.page.locator("#lesson-done")).to_contain_text("Done.")
    learner.measure()
