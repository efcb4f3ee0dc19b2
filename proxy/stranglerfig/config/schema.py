"""A JSON Schema of fig.yaml, for editors: made from the models, with the short forms that are written."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from stranglerfig.config.limits import Rate
from stranglerfig.config.model import (
    Address,
    Capability,
    Config,
    Limits,
    Lists,
    Route,
    Sticky,
    Timeouts,
    Upstream,
)
from stranglerfig.config.written import NAME

_NAME: Final = f"^{NAME.pattern}$"
_URL: Final = {"type": "string", "pattern": r"^http://[^/?#@\s]+/?$"}
_ROUTE_TEXT: Final = {
    "type": "string",
    "pattern": r"^\s*\S+\s+/",
    "description": "METHODS PATH, such as GET /api/catalog/**",
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of fig.yaml as it is written."""
    schema = Config.model_json_schema(by_alias=True, mode="validation")
    schema["$schema"] = GenerateJsonSchema.schema_dialect
    schema["title"] = "fig.yaml"
    schema["description"] = "What the routing proxy stranglerfig does with which requests."
    definitions = schema["$defs"]
    _show_as_written(schema, Config)
    for model in (Timeouts, Upstream, Capability, Route, Lists, Limits, Rate):
        _show_as_written(definitions[model.__name__], model)
    upstream, route = definitions["Upstream"], definitions["Route"]
    upstream["properties"] |= {
        "url": _URL,
        "urls": {"type": "array", "items": _URL, "minItems": 1, "maxItems": 1},
    }
    upstream["oneOf"] = [{"required": ["url"]}, {"required": ["urls"]}]
    route["properties"]["match"] = _ROUTE_TEXT
    route["required"] = ["match"]
    definitions["Upstream"] = {"anyOf": [_URL, upstream]}
    definitions["Route"] = {"anyOf": [_ROUTE_TEXT, route]}
    definitions["Capability"]["properties"]["routes"]["minItems"] = 1
    properties = schema["properties"]
    for name in ("upstreams", "capabilities"):
        properties[name]["propertyNames"] = {"pattern": _NAME}
    properties["upstreams"]["minProperties"] = 1
    # A key whose lines below are all commented out.
    properties["capabilities"]["type"] = ["object", "null"]
    properties["trusted_proxies"]["type"] = ["array", "null"]
    properties["fallthrough"]["default"] = "monolith"
    return schema


def _show_as_written(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Give each property the form and the default it has in the file.

    Keys that a model takes out of short forms go, and so does null: a key without a value is refused.
    """
    for name, info in model.model_fields.items():
        key = str(info.validation_alias or name)
        if key.startswith("("):
            del schema["properties"][key]
            schema["required"].remove(key)
            continue
        shown = schema["properties"][key]
        shown.pop("title", None)
        choices = [choice for choice in shown.pop("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            shown |= choices[0]
        if info.default in (None, ""):
            shown.pop("default", None)
        elif isinstance(info.default, Address | Sticky):
            shown["default"] = str(info.default)
        elif name.endswith("_s"):
            shown["default"] = f"{info.default:g}s"
        elif model in (Limits, Rate):
            shown["default"] = model().model_dump(mode="json")[key]
