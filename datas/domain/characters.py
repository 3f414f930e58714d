"""Characters: which are white space, and which a database could not keep."""

# Unicode's White_Space property, spelled out: `str.isspace` and the `\s` of regular expressions
# disagree with it and with one another.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# The same in any dialect of regular expressions.
_BLANK = "".join(f"\\u{ord(character):04x}" for character in WHITE_SPACE)
ANY_TEXT = r"^[^\u0000]*$"
NOT_BLANK = rf"^[^\u0000]*[^\u0000{_BLANK}][^\u0000]*$"


def has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)


def character_faults(text: str) -> list[str]:
    """The characters of `text` that a database could not keep."""
    faults = []
    if "\0" in text:
        faults.append("must not contain the NUL character (U+0000).")
    if has_lone_surrogate(text):
        faults.append("must not contain a lone surrogate (U+D800 to U+DFFF).")
    return faults
