# Reads a JSON list of base64 bodies from stdin and prints, per parser, what each body says by that parser's own lookup:
# its models and its ceilings, or null where the parser refuses it. The C libraries are those that Debian ships; no code of the relay.
import base64
import ctypes
import json
import sys

LIMITS = ['max_tokens', 'max_completion_tokens', 'n']


def by_python(body):
    value = json.loads(body)
    if not isinstance(value, dict):
        return {'models': [], 'limits': []}
    models = [value.get('model')]
    tools = value.get('tools')
    models += [tool.get('model') for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    moderation = value.get('moderation')
    models += [moderation.get('model')] if isinstance(moderation, dict) else []
    limits = [value.get(name) for name in LIMITS]
    return {'models': [m for m in models if m is not None], 'limits': [n for n in limits if n is not None]}


class Library:
    """One C library behind five small lookups: parse, member, items, text, number."""

    def read(self, body):
        root = self.parse(body)
        if not root:
            raise ValueError('refused')
        try:
            models = [self.member(root, 'model')]
            for tool in self.items(self.member(root, 'tools')):
                models.append(self.member(tool, 'model'))
            models.append(self.member(self.member(root, 'moderation'), 'model'))
            limits = [self.member(root, name) for name in LIMITS]
            return {
                'models': [self.text(m) for m in models if m],
                'limits': [self.number(n) for n in limits if n],
            }
        finally:
            self.free(root)


def declare(library, **functions):
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


P, S, I, D, Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_double, ctypes.c_size_t


class CJson(Library):
    """cJSON: the first member wins, names are compared without case, what follows the first text is passed over."""

    def __init__(self):
        self.c = ctypes.CDLL('libcjson.so.1')
        declare(
            self.c,
            cJSON_ParseWithLength=(P, S, Z),
            cJSON_GetObjectItem=(P, P, S),
            cJSON_GetArraySize=(I, P),
            cJSON_GetArrayItem=(P, P, I),
            cJSON_IsArray=(I, P),
            cJSON_IsNull=(I, P),
            cJSON_GetStringValue=(S, P),
            cJSON_GetNumberValue=(D, P),
            cJSON_Delete=(None, P),
        )
        self.parse = lambda body: self.c.cJSON_ParseWithLength(body, len(body))
        self.free = self.c.cJSON_Delete
        self.number = self.c.cJSON_GetNumberValue

    def member(self, value, name):
        found = value and self.c.cJSON_GetObjectItem(value, name.encode())
        return found if found and not self.c.cJSON_IsNull(found) else None

    def items(self, value):
        if not value or not self.c.cJSON_IsArray(value):
            return []
        return [self.c.cJSON_GetArrayItem(value, i) for i in range(self.c.cJSON_GetArraySize(value))]

    def text(self, value):
        found = self.c.cJSON_GetStringValue(value)
        return None if found is None else found.decode('utf-8', 'replace')


class Jansson(Library):
    """jansson: the last member wins."""

    STRING, REAL, NULL = 2, 4, 7

    def __init__(self):
        self.c = ctypes.CDLL('libjansson.so.4')
        declare(
            self.c,
            json_loadb=(P, S, Z, Z, P),
            json_object_get=(P, P, S),
            json_array_size=(Z, P),
            json_array_get=(P, P, Z),
            json_string_value=(S, P),
            json_number_value=(D, P),
            json_delete=(None, P),
        )
        self.parse = lambda body: self.c.json_loadb(body, len(body), 4, None)
        self.free = self.c.json_delete
        self.number = self.c.json_number_value

    def member(self, value, name):
        found = value and self.c.json_object_get(value, name.encode())
        # the type is the first field of every value
        return found if found and ctypes.cast(found, ctypes.POINTER(I))[0] != self.NULL else None

    def items(self, value):
        return [self.c.json_array_get(value, i) for i in range(self.c.json_array_size(value))] if value else []

    def text(self, value):
        found = self.c.json_string_value(value)
        return None if found is None else found.decode('utf-8', 'replace')


class JsonC(Library):
    """json-c: the last member wins; takes single quotes, comments, NaN and a trailing comma."""

    def __init__(self):
        self.c = ctypes.CDLL('libjson-c.so.5')
        declare(
            self.c,
            json_tokener_new=(P,),
            json_tokener_free=(None, P),
            json_tokener_parse_ex=(P, P, S, I),
            json_object_object_get_ex=(I, P, S, ctypes.POINTER(P)),
            json_object_array_length=(Z, P),
            json_object_array_get_idx=(P, P, Z),
            json_object_get_type=(I, P),
            json_object_get_string=(S, P),
            json_object_get_double=(D, P),
            json_object_put=(I, P),
        )
        self.free = self.c.json_object_put
        self.number = self.c.json_object_get_double

    def parse(self, body):
        tokener = self.c.json_tokener_new()
        try:
            return self.c.json_tokener_parse_ex(tokener, body, len(body))
        finally:
            self.c.json_tokener_free(tokener)

    def member(self, value, name):
        # type 4 is an object
        if not value or self.c.json_object_get_type(value) != 4:
            return None
        found = P()
        self.c.json_object_object_get_ex(value, name.encode(), ctypes.byref(found))
        return found.value

    def items(self, value):
        # type 5 is an array
        if not value or self.c.json_object_get_type(value) != 5:
            return []
        count = self.c.json_object_array_length(value)
        return [self.c.json_object_array_get_idx(value, i) for i in range(count)]

    def text(self, value):
        # type 6 is a string
        if self.c.json_object_get_type(value) != 6:
            return None
        return self.c.json_object_get_string(value).decode('utf-8', 'replace')


def every(read, bodies):
    said = []
    for body in bodies:
        try:
            said.append(read(body))
        except (ValueError, RecursionError):
            said.append(None)
    return said


bodies = [base64.b64decode(text) for text in json.load(sys.stdin)]
readings = {"python's json": every(by_python, bodies)}
for name, library in (('cJSON', CJson), ('jansson', Jansson), ('json-c', JsonC)):
    try:
        readings[name] = every(library().read, bodies)
    except OSError:
        readings[name] = None
json.dump(readings, sys.stdout)
