"""schema.py - the JSON schema of the specification, where there is one: what it takes, and which members it describes.

RUNTIME_SPEC_SCHEMA is the directory schema/ of a runtime-spec tree of version 1.3 (Debian 12 packages that of 1.0.2);
Debian's python3-jsonschema judges.
"""
import json
import os

DIRECTORY = os.environ.get("RUNTIME_SPEC_SCHEMA")
# Other platforms, and what config-schema.json has of them.
FOREIGN = ("solaris", "windows", "vm", "zos", "freebsd", "commandLine", "username")


def load(name):
    with open(os.path.join(DIRECTORY, name)) as f:
        return json.load(f)


def validator(name):
    """A function that gives the faults of a document by the schema of that name."""
    import jsonschema
    top = load(name)
    base = "file://%s/" % os.path.abspath(DIRECTORY)
    judge = jsonschema.Draft4Validator(top, resolver=jsonschema.RefResolver(base_uri=base, referrer=top))
    return lambda document: ["%s: %s" % ("/".join(map(str, e.path)), e.message) for e in judge.iter_errors(document)]


class Members:
    """The members that a schema describes, each where its definition stands."""

    def __init__(self, name):
        self.files = {}
        self.top = (name, self.file(name))

    def file(self, name):
        if name not in self.files:
            self.files[name] = load(name)
        return self.files[name]

    def parts(self, name, node):
        """A definition behind its references, and those that it is made of."""
        while "$ref" in node:
            other, _, where = node["$ref"].partition("#")
            name = other or name
            node = self.file(name)
            for step in where.split("/")[1:]:
                node = node[step]
        yield name, node
        for part in node.get("allOf", []) + node.get("anyOf", []):
            yield from self.parts(name, part)

    def children(self, name, node):
        """(member, file, definition): member is None for an element of a list or a map."""
        for file, part in self.parts(name, node):
            for member, inner in part.get("properties", {}).items():
                if member not in FOREIGN:
                    yield member, file, inner
            for inner in (part.get("items"), part.get("additionalProperties"),
                          *part.get("patternProperties", {}).values()):
                if isinstance(inner, dict):
                    yield None, file, inner

    def all(self):
        """{definition: its name} of all members, whatever leads to them."""
        found, todo = {}, [("", *self.top)]
        while todo:
            at, file, node = todo.pop()
            for member, inner_file, inner in self.children(file, node):
                if id(inner) not in found:
                    found[id(inner)] = "%s/%s" % (at, member or "*")
                    todo.append((found[id(inner)], inner_file, inner))
        return found

    def passed(self, pointer):
        """The definitions on the way to a pointer."""
        file, node = self.top
        for step in pointer.split("/")[1:]:
            inner = {m: (f, n) for m, f, n in self.children(file, node)}
            file, node = inner.get(step) or inner[None]
            yield id(node)
