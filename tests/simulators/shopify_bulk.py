"""Bulk operations of the simulated Shopify: made at once, told step by step."""

import json
from typing import Any

from tests.simulators.faults import Fault
from tests.simulators.graphql import Field, parse, shaped
from tests.simulators.shopify_data import stamp
from tests.simulators.shopify_shop import Shop

AT_ONCE = 5


def bulk_run(shop: Shop, query: str, struck: dict[str, Fault]) -> dict[str, Any]:
    """Start an operation, unless five run already."""
    going = [
        each for each in shop.bulk.values() if each["status"] in ("CREATED", "RUNNING")
    ]
    if len(going) >= AT_ONCE:
        said = "A bulk query operation for this app and shop is already in progress"
        return {"bulkOperation": None, "userErrors": [{"field": None, "message": said}]}
    number = len(shop.bulk) + 1
    made: dict[str, Any] = {
        "id": f"gid://shopify/BulkOperation/{number}",
        "status": "CREATED",
        "errorCode": None,
        "objectCount": "0",
        "rootObjectCount": "0",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
        "createdAt": stamp(shop.clock.now()),
        "completedAt": None,
        "query": query,
        "polls": 0,
    }
    shop.bulk[made["id"]] = made
    return {"bulkOperation": made, "userErrors": []}


def bulk_poll(
    shop: Shop, gid: str, url: str, struck: dict[str, Fault]
) -> dict[str, Any] | None:
    """Return how it is: created, running, then complete."""
    made = shop.bulk.get(gid)
    if made is None or made["status"] not in ("CREATED", "RUNNING"):
        return made
    made["polls"] += 1
    if "bulk_hang" in struck:
        return made
    if "bulk_fail" in struck:
        made.update(
            status="FAILED",
            errorCode="INTERNAL_SERVER_ERROR",
            partialDataUrl=f"{url}/{shop.domain}/files/partial.jsonl",
        )
    elif made["polls"] < 2:
        made["status"] = "RUNNING"
    else:
        _complete(shop, made, url, struck)
    return made


def bulk_cancel(shop: Shop, gid: str) -> dict[str, Any]:
    """Cancel it."""
    made = shop.bulk[gid]
    if made["status"] in ("CREATED", "RUNNING"):
        made["status"] = "CANCELED"
    return {"bulkOperation": made, "userErrors": []}


def _complete(
    shop: Shop, made: dict[str, Any], url: str, struck: dict[str, Fault]
) -> None:
    roots, children = _objects(shop, made["query"])
    # Children may follow other parents: all roots first, then all lines, last first.
    rows = roots + children[::-1]
    made.update(
        status="COMPLETED",
        objectCount=str(len(rows)),
        rootObjectCount=str(len(roots)),
        completedAt=stamp(shop.clock.now()),
    )
    if "bulk_short" in struck:
        rows = rows[: -struck["bulk_short"].value]
    if rows:
        name = f"bulk-{made['id'].rpartition('/')[2]}.jsonl"
        shop.files[name] = b"".join(json.dumps(each).encode() + b"\n" for each in rows)
        made["url"] = f"{url}/{shop.domain}/files/{name}"
        made["fileSize"] = str(len(shop.files[name]))


def _objects(shop: Shop, query: str) -> tuple[list[Any], list[Any]]:
    (orders,) = parse(query, {})
    node = next(each for each in _first(orders, "edges").fields if each.name == "node")
    plain = [each for each in node.fields if each.name != "lineItems"]
    lines = [each for each in node.fields if each.name == "lineItems"]
    found, _ = shop.search(orders.arguments.get("query") or "")
    roots = [shaped(each, plain, "order") for each in found]
    children = [
        {**shaped(line, _line_fields(lines[0]), "line"), "__parentId": each["id"]}
        for each in found
        for line in (each["lineItems"] if lines else [])
    ]
    return roots, children


def _first(field: Field, name: str) -> Field:
    return next(each for each in field.fields if each.name == name)


def _line_fields(field: Field) -> list[Field]:
    return _first(_first(field, "edges"), "node").fields
