"""Events as Markdown, which TensorBoard's Text tab shows."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def event_markdown(headline: str, details: Mapping[str, object]) -> str:
    """An event as Markdown: the headline in bold, then a table of its numbers; all of it escaped.

    >>> print(event_markdown("The tunnel opens", {"share": 0.25}))
    **The tunnel opens**
    <BLANKLINE>
    | what | value |
    | --- | --- |
    | share | 0.25 |
    """
    bold = f"**{escaped(headline)}**"
    if not details:
        return bold
    rows = [f"| {escaped(name)} | {escaped(str(value))} |" for name, value in details.items()]
    return "\n".join([bold, "", "| what | value |", "| --- | --- |", *rows])


def escaped(text: str) -> str:
    r"""Plain text as Markdown that shows just this text, on one line.

    >>> escaped("a_b <i> | c")
    'a\\_b &lt;i&gt; \\| c'
    """
    return _MARKDOWN.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))
