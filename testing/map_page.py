"""Read the data of a page that `llama-cli map` has written, with Python's own zlib, base64 and html parser."""

import base64
import html.parser
import json
import struct
import zlib

import numpy

TYPES = {"u1": "<u1", "u2": "<u2", "u4": "<u4", "f4": "<f4", "f8": "<f8"}


class Elements(html.parser.HTMLParser):
    """All that a page has: its elements with their attributes, and the text in scripts and styles."""

    CDATA_CONTENT_ELEMENTS = ("script", "style")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.is_open = [], False

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        self.is_open = True

    def handle_endtag(self, tag):
        self.is_open = False

    def handle_data(self, data):
        if self.is_open:
            self.elements[-1][2] += data


def read_block(text):
    data = zlib.decompress(base64.b64decode(text, validate=True))
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    at, arrays = 4 + length, {}
    for name, kind, count in header["arrays"]:
        at = (at + 7) // 8 * 8
        arrays[name] = numpy.frombuffer(data, TYPES[kind], count, at)
        at += arrays[name].nbytes
    return header, arrays


class Page:
    """`about`: the header of the map; the rest by row of the table, in its order."""

    def __init__(self, path):
        parser = Elements()
        parser.feed(path.read_text(encoding="utf-8"))
        self.elements = parser.elements
        self.blocks = [read_block(text) for tag, attrs, text in self.elements if attrs.get("class") == "block"]
        self.about = self.blocks[0][0]
        points = [arrays for header, arrays in self.blocks if header["kind"] == "points"]
        rows = numpy.concatenate([p["row"] for p in points])
        order = numpy.argsort(rows)
        self.rows = rows[order]
        self.places = numpy.stack([numpy.concatenate([p[axis] for p in points]) for axis in "xy"], axis=1)[order]
        self.clusters = numpy.concatenate([p["cluster"] for p in points])[order]
        self.columns = {}
        for i, column in enumerate(self.about["columns"]):
            if column["kind"] == "text":
                self.columns[column["name"]] = [self._texts(column["name"])[k] for k in order]
                continue
            values = numpy.concatenate([p[f"column{i}"] for p in points])[order]
            is_codes = column["kind"] == "category"
            self.columns[column["name"]] = [column["categories"][v] for v in values] if is_codes else values
        texts = self._texts("")
        self.texts = [texts[k] for k in order]
        near = [arrays for header, arrays in self.blocks if header["kind"] == "neighbours"]
        k = self.about["neighbours"]
        if near:
            points = numpy.concatenate([n["point"] for n in near]).reshape(-1, k)
            self.near = rows[points][order]
            self.similarities = numpy.concatenate([n["similarity"] for n in near]).reshape(-1, k)[order] / 32767.0 - 1

    def _texts(self, name):
        found = []
        for header, arrays in self.blocks:
            if header["kind"] == "texts" and header["column"] == name:
                data, begin = arrays["bytes"].tobytes(), 0
                for end in arrays["ends"]:
                    found.append(data[begin:end].decode())
                    begin = end
        return found
