"""The config as lines of text: where a key is written, its plain values, one-line edits.

Writes config/model_config.yaml; which keys and values may be there is said in config.
"""

from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ml.home.errors import CallError
from ml.home.files import write_atomically
from ml.home.layout import Home

SAVE = "save the file as YAML in UTF-8"
PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null")
)


def read_config(home: Home) -> str:
    """The content of the config with its line ends as they are."""
    path, name = home.config, home.relative(home.config)
    if not path.is_file():
        raise CallError(
            f"{name}: no such file",
            "copy config/model_config.yaml of the repository, or run `init`",
        )
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CallError(f"{name}:1: is not valid YAML in UTF-8: {error}", SAVE) from None


def compose(content: str, name: str) -> MappingNode:
    """The node tree of the file: positions and tags, nothing constructed from it."""
    try:
        root = YAML(typ="rt", pure=True).compose(content)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise CallError(
            f"{name}:{line}: is not valid YAML: {error.problem or error}", "correct that line"
        ) from None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        raise CallError(f"{name}:1: is not valid YAML in UTF-8: {reason}", SAVE) from None
    if not isinstance(root, MappingNode):
        raise CallError(f"{name}:1: holds no sections", "write sections: source, training, …")
    _refuse_anchors(root, name)
    return root


def _refuse_anchors(node: Node, name: str) -> None:
    """An alias is the anchor's node again: a few lines of them unfold to billions of values."""
    if node.anchor is not None:
        raise CallError(
            f"{name}:{node.start_mark.line + 1}: anchors (&) are not allowed", "write the values"
        )
    children = node.value if isinstance(node, MappingNode | SequenceNode) else []
    for child in children:
        for one in child if isinstance(child, tuple) else (child,):
            _refuse_anchors(one, name)


def plain_values(node: Node, name: str) -> Any:
    """Plain Python values of a node; tags that could make anything else are refused."""
    if node.tag not in PLAIN_TAGS and node.tag != "tag:yaml.org,2002:timestamp":
        raise CallError(
            f"{name}:{node.start_mark.line + 1}: the YAML tag {node.tag} is not allowed",
            "write a plain value",
        )
    if isinstance(node, MappingNode):
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise CallError(
                    f"{name}:{line}: the key is not plain text", "write a key of the config"
                )
            if key.value in values:
                raise CallError(f"{name}:{line}: {key.value} is there twice", "keep one of them")
            values[key.value] = plain_values(value, name)
        return values
    if isinstance(node, SequenceNode):
        return [plain_values(item, name) for item in node.value]
    return _scalar(node, name)


def _scalar(node: Node, name: str) -> Any:
    kind = node.tag.rsplit(":", 1)[1]
    text = str(node.value)
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0)
        if kind == "float":
            return float(text.replace("_", ""))
    except ValueError:
        raise CallError(
            f"{name}:{node.start_mark.line + 1}: {text!r} is not a number", "write it in digits"
        ) from None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on"}
    return None if kind == "null" else text


def _pair(node: Node | None, key: str) -> tuple[Node, Node] | None:
    """The key and value nodes of `key` in a mapping, None where it has none."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((pair for pair in pairs if pair[0].value == key), None)


def _value(pair: tuple[Node, Node] | None) -> Node | None:
    return pair[1] if pair is not None else None


def locate(root: MappingNode, path: list[str]) -> tuple[int, int]:
    """Line (1-based) of the deepest key of `path` in the file, and how many of its keys are there.

    path: keys from the top, such as training, seed.
    """
    node: Node = root
    line, depth = 1, 0
    for key in path:
        pair = _pair(node, key)
        if pair is None:
            break
        node, line, depth = pair[1], pair[0].start_mark.line + 1, depth + 1
    return line, depth


def write_last_score_cutoff(home: Home, cutoff: date | None) -> None:
    """Write `run.last_score_cutoff`, None for no day; every other line of the file stays."""
    text = f'"{cutoff.isoformat()}"' if cutoff is not None else "null"
    set_values(home, "run", {"last_score_cutoff": text})


def set_values(home: Home, section: str, values: dict[str, str]) -> None:
    """Replace scalars of a section by texts (YAML) in one write, changing their lines only.

    A missing key is added as one line under its section, a missing section at the end.
    """
    name = home.relative(home.config)
    text = read_config(home)
    for key, value in values.items():
        text = _with_scalar(text, name, (section, key), value)
    write_atomically(home.config, text.encode())


def _with_scalar(content: str, name: str, place: tuple[str, str], text: str) -> str:
    """The config's content with the scalar at `place` (section, key) replaced by `text`."""
    section, key = place
    root, lines = compose(content, name), content.splitlines(keepends=True)
    section_node = _value(_pair(root, section))
    pair = _pair(section_node, key)
    if pair is not None:
        row, line = _with_value(pair, text, lines, f"{name}: {section}.{key}")
        lines[row] = line
    elif isinstance(section_node, MappingNode) and section_node.value:
        first = section_node.value[0][0].start_mark
        if section_node.flow_style:
            raise CallError(
                f"{name}:{first.line + 1}: {section} is written in braces",
                "write it as a block, one key on each line",
            )
        lines.insert(first.line, f"{' ' * first.column}{key}: {text}\n")
    elif section_node is not None:
        raise CallError(f"{name}: {section} is empty", f"write {key} under it or remove it")
    else:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.append(f"{section}: {{{key}: {text}}}\n")
    return "".join(lines)


def _with_value(
    pair: tuple[Node, Node], text: str, lines: list[str], where: str
) -> tuple[int, str]:
    """Row and new text of the line that holds the value of `pair`."""
    key, value = pair
    row, start = key.end_mark.line, key.end_mark.column
    line = lines[row]
    if value.start_mark.index == value.end_mark.index:  # an empty value has no place of its own
        colon = line.index(":", start) + 1
        return row, f"{line[:colon]} {text}{line[colon:]}"
    if not row == value.start_mark.line == value.end_mark.line:
        raise CallError(f"{where} is written over several lines", "write it on one line")
    return row, line[: value.start_mark.column] + text + line[value.end_mark.column :]
