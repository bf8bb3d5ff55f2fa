"""The keywords of JSON Schema that schemas/eval.schema.json uses: schema.py SCHEMA FILE NAME."""
import json
import sys

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def check(schema, v, root, path):
    if "$ref" in schema:
        yield from check(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], v, root, path)
    if "type" in schema and (not isinstance(v, TYPES[schema["type"]]) or isinstance(v, bool)):
        yield "%s is no %s" % (path, schema["type"])
        return
    if "enum" in schema and v not in schema["enum"]:
        yield "%s is %r" % (path, v)
    if "minimum" in schema and v < schema["minimum"] or "maximum" in schema and v > schema["maximum"]:
        yield "%s is out of range: %r" % (path, v)
    for key in schema.get("required", []):
        if key not in v:
            yield "%s lacks %s" % (path, key)
    for key, part in v.items() if isinstance(v, dict) else []:
        if key in schema.get("properties", {}):
            yield from check(schema["properties"][key], part, root, path + "." + key)
        elif schema.get("additionalProperties") is False:
            yield "%s has %s, which the schema does not know" % (path, key)
    for i, part in enumerate(v) if isinstance(v, list) and "items" in schema else []:
        yield from check(schema["items"], part, root, "%s[%d]" % (path, i))


root = json.load(open(sys.argv[1], encoding="utf-8"))
bad = list(check(root, json.load(open(sys.argv[2], encoding="utf-8")), root, "$"))
print("not ok %s: %s" % (sys.argv[3], "; ".join(bad[:5])) if bad else "ok %s" % sys.argv[3])
