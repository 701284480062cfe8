# SPDX-License-Identifier: Apache-2.0
"""Every directive and variable of the nginx module has its place in docs/directives.md, and nothing else has."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "directives.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src" / "gateway").glob("*.c")))
CONTEXTS = {"MAIN_CONF": "http", "SRV_CONF": "server", "LOC_CONF": "location"}


def directives():
    """name -> contexts, from the table of commands."""
    table = re.search(r"ngx_command_t\s+\w+\[\] = \{(.*?)ngx_null_command", CODE, re.S).group(1)
    found = {}
    for name, flags in re.findall(r'\{ ngx_string\("(\w+)"\),\s*([A-Z0-9_|\s]+),', table):
        found[name] = {CONTEXTS[c] for c in re.findall(r"NGX_HTTP_(\w+_CONF)\b", flags)}
    return found


def documented():
    """name -> (syntax, default, contexts), from the page."""
    found = {}
    for part in re.split(r"^### ", PAGE.split("## Variables")[0], flags=re.M)[1:]:
        name = part.split("\n", 1)[0].strip()
        rows = dict(re.findall(r"^\| \*\*(\w+)\*\* \| (.*?) \|$", part, re.M))
        found[name] = (rows["Syntax"], rows["Default"], set(rows["Context"].split(", ")), part)
    return found


def test_each_directive_is_documented_with_syntax_default_and_context():
    code, page = directives(), documented()
    assert len(code) >= 9
    assert set(code) == set(page)
    for name, contexts in code.items():
        syntax, default, said, text = page[name]
        assert re.fullmatch(rf"`{name}( [^;`]+)?;`", syntax), syntax
        assert default == "-" or re.fullmatch(rf"`{name} [^;`]+;`", default), default
        assert said == contexts, (name, said, contexts)
        assert len(text.split("\n\n", 2)[-1].strip()) > 40, f"{name} says nothing about itself"


def test_each_variable_is_documented():
    code = set(re.findall(r'ngx_string\("(offtake_\w+)"\), NULL, ngx_http_offtake_variable', CODE))
    assert len(code) >= 20
    page = set(re.findall(r"^\| `\$(offtake_\w+)` \| \S", PAGE.split("## Variables")[1], re.M))
    assert code == page
