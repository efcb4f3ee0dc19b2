"""The annotated example and the JSON Schema say what the models say."""

import json
import re
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from stranglerfig.config.example import example_text
from stranglerfig.config.limits import Limits, Rate
from stranglerfig.config.load import parse
from stranglerfig.config.model import Capability, Config, Lists, Route, Timeouts, Upstream
from stranglerfig.config.schema import json_schema
from stranglerfig.config.yaml_source import read_yaml, written_keys

DATA: dict[str, Any] = read_yaml(example_text(), "example")[0]
CONFIG = parse(example_text(), "example").config
CATALOG = CONFIG.capabilities["catalog"]

HOLDERS: list[tuple[type[BaseModel], Any, BaseModel]] = [
    (Config, DATA, CONFIG),
    (Upstream, DATA["upstreams"]["catalog"], CONFIG.upstreams["catalog"]),
    (Timeouts, DATA["upstreams"]["catalog"]["timeouts"], CONFIG.upstreams["catalog"].timeouts),
    (Capability, DATA["capabilities"]["catalog"], CATALOG),
    (Lists, DATA["capabilities"]["catalog"]["lists"], CATALOG.lists),
    (Limits, DATA["limits"], CONFIG.limits),
    (Rate, DATA["limits"]["rate"], CONFIG.limits.rate),
]


@pytest.mark.parametrize(("model", "written", "read"), HOLDERS)
def test_every_key_stands_in_the_example(
    model: type[BaseModel], written: dict[str, Any], read: BaseModel
) -> None:
    commented = set(re.findall(r"# *(?:or )?([a-z_]+): ", example_text()))
    assert set(written_keys(model)) - set(written) <= commented
    assert set(written) <= set(written_keys(model))


def test_every_key_of_a_route_stands_in_the_example() -> None:
    written = {key for route in DATA["capabilities"]["catalog"]["routes"] if isinstance(route, dict) for key in route}  # fmt: skip
    assert written == set(written_keys(Route))


@pytest.mark.parametrize(("model", "written", "read"), HOLDERS)
def test_every_value_in_the_example_is_the_default(
    model: type[BaseModel], written: dict[str, Any], read: BaseModel
) -> None:
    for name, info in model.model_fields.items():
        key = str(info.validation_alias or name)
        if (
            key in written
            and info.default is not PydanticUndefined
            and info.default_factory is None
        ):
            assert getattr(read, name) == info.default, key


def test_the_example_raises_no_doubts() -> None:
    assert parse(example_text(), "example").warnings == ()


# --- the schema

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]


def test_the_schema_takes_the_example() -> None:
    VALIDATOR.validate(DATA)


def test_the_schema_takes_what_is_sent_to_workers() -> None:
    VALIDATOR.validate(CONFIG.model_dump(mode="json", exclude_none=True))


def test_the_schema_knows_the_same_keys_as_the_models() -> None:
    definitions = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == set(written_keys(Config))
    assert set(definitions["Capability"]["properties"]) == set(written_keys(Capability))
    assert set(definitions["Upstream"]["anyOf"][1]["properties"]) == set(written_keys(Upstream))
    assert set(definitions["Route"]["anyOf"][1]["properties"]) == set(written_keys(Route))
    assert set(definitions["Timeouts"]["properties"]) == set(written_keys(Timeouts))
    assert set(definitions["Limits"]["properties"]) == set(written_keys(Limits))
    assert set(definitions["Rate"]["properties"]) == set(written_keys(Rate))
    assert "(" not in str(sorted(definitions["Capability"]["properties"]))


def test_defaults_in_the_schema_are_as_they_are_written() -> None:
    properties, capability = SCHEMA["properties"], SCHEMA["$defs"]["Capability"]["properties"]
    assert properties["listen"]["default"] == "127.0.0.1:8000"
    assert properties["fallthrough"]["default"] == "monolith"
    assert capability["sticky"]["default"] == "cookie"
    assert capability["stage"]["default"] == "monolith"
    assert SCHEMA["$defs"]["Timeouts"]["properties"]["connect"]["default"] == "1s"
    assert "default" not in properties["workers"]
    limits = SCHEMA["$defs"]["Limits"]["properties"]
    shown = {key: limits[key]["default"] for key in set(limits) - {"rate"}}
    assert shown == {key: DATA["limits"][key] for key in shown}


HEAD: dict[str, Any] = {"upstreams": {"monolith": "http://m:1", "s": "http://s:1"}}
BAD: list[dict[str, Any]] = [
    {},
    {"upstreams": {}},
    {"upstreams": {"m": "https://h"}},
    {"upstreams": {"m": {"url": "http://h", "urls": ["http://h"]}}},
    {"upstreams": {"m": {}}},
    {"upstreams": {"1m": "http://h"}},
    {"upstreams": {"m": {"url": "http://h", "timeouts": {"connect": 5}}}},
    {"upstreams": {"m": {"url": "http://h", "health": {}}}},
    HEAD | {"worker": 2},
    HEAD | {"workers": "2"},
    HEAD | {"workers": 0},
    HEAD | {"listen": 8000},
    HEAD | {"dot_segments": "x"},
    HEAD | {"limits": []},
    HEAD | {"limits": {"connection": 5}},
    HEAD | {"limits": {"connections": 0}},
    HEAD | {"limits": {"connections": "many"}},
    HEAD | {"limits": {"requests": True}},
    HEAD | {"limits": {"idle": "off"}},
    HEAD | {"limits": {"head_size": "off"}},
    HEAD | {"limits": {"head_size": 65536}},
    HEAD | {"limits": {"head_fields": "1000"}},
    HEAD | {"limits": {"body_size": "10MB"}},
    HEAD | {"limits": {"min_rate": "240"}},
    HEAD | {"limits": {"loop_delay": 1}},
    HEAD | {"limits": {"rate": "20/s"}},
    HEAD | {"limits": {"rate": {"per_client": "20"}}},
    HEAD | {"limits": {"rate": {"burst": 0}}},
    HEAD | {"capabilities": {"c": {"upstream": "s"}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": []}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["/x"]}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": [{"safe": True}]}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["GET /x"], "stage": "half"}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["GET /x"], "percent": 101}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["GET /x"], "sticky": "identity"}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["GET /x"], "fallback": "monolith"}}},
    HEAD | {"capabilities": {"c": {"upstream": "s", "routes": ["GET /x"], "name": "c"}}},
]


@pytest.mark.parametrize("data", BAD, ids=str)
def test_the_schema_refuses_what_the_loader_refuses(data: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(data)
    with pytest.raises(Exception, match=r"fig\.yaml"):
        parse(json.dumps(data), "fig.yaml")
