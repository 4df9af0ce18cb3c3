"""Write GGUF files field by field, so that each can be wrong; and read sound ones, to change one thing in them."""
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}
MOST = 2**64 - 1


def number(kind, value):
    return struct.pack("<" + FORMATS[kind], value)


def u32(value):
    return number(U32, value)


def u64(value):
    return number(U64, value)


def text(value, length=None):
    """With `length` the text claims to be that long."""
    value = value.encode() if isinstance(value, str) else value
    return u64(len(value) if length is None else length) + value


def value_bytes(kind, value):
    return text(value) if kind == STRING else number(kind, value)


def key(name, kind, value):
    """A list is (type of its entries, entries)."""
    if kind == ARRAY:
        return text(name) + u32(ARRAY) + u32(value[0]) + u64(len(value[1])) + b"".join(value_bytes(value[0], v)
                                                                                       for v in value[1])
    return text(name) + u32(kind) + value_bytes(kind, value)


def tensor(name, shape, kind=0, offset=0):
    return text(name) + u32(len(shape)) + b"".join(u64(extent) for extent in shape) + u32(kind) + u64(offset)


def start(tensors, keys, version=3):
    return b"GGUF" + u32(version) + u64(tensors) + u64(keys)


def padded(data, alignment=32):
    return data + bytes(-len(data) % alignment)


def whole(keys, tensors=(), data=b"", alignment=32, version=3):
    """Keys and tensors as bytes, each field in its place, then the tensors' data."""
    header = start(len(tensors), len(keys), version) + b"".join(keys) + b"".join(tensors)
    return padded(header, alignment) + data


class Gguf:
    """A sound file in parts: `keys` {name: (type, value)}, `tensors` {name: [shape, type, bytes]}."""

    def __init__(self, path, block_sizes):
        """block_sizes: {tensor type: (elements, bytes)}"""
        self.data, self.at = path.read_bytes(), 4
        _, tensors, count = self.take("<IQQ")
        self.keys = {}
        for _ in range(count):
            name = self.take_text().decode()
            self.keys[name] = self.take_value(self.take("<I")[0])
        found = []
        for _ in range(tensors):
            name, dimensions = self.take_text().decode(), self.take("<I")[0]
            shape = list(self.take(f"<{dimensions}Q"))
            found.append((name, shape, *self.take("<IQ")))
        base = self.at + -self.at % 32
        self.tensors = {}
        for name, shape, kind, offset in found:
            size = block_sizes[kind][1]
            for extent in shape:
                size *= extent
            self.tensors[name] = [shape, kind, self.data[base + offset:base + offset + size // block_sizes[kind][0]]]

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def take_text(self):
        length = self.take("<Q")[0]
        self.at += length
        return self.data[self.at - length:self.at]

    def take_value(self, kind):
        if kind == STRING:
            return kind, self.take_text()
        if kind == ARRAY:
            entry, count = self.take("<IQ")
            return kind, (entry, [self.take_value(entry)[1] for _ in range(count)])
        return kind, self.take("<" + FORMATS[kind])[0]

    def write(self, path):
        tensors, data = [], b""
        for name, (shape, kind, content) in self.tensors.items():
            tensors.append(tensor(name, shape, kind, len(data)))
            data += padded(content)
        path.write_bytes(whole([key(name, *value) for name, value in self.keys.items()], tensors, data))
        return path
