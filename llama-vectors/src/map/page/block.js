// A block of data: base64 of zlib-deflated bytes, in an element that no browser runs.
//
// The bytes are a header's length (uint32, little-endian), the header (JSON), and its arrays, each at a multiple of 8.
// header.arrays lists them: [name, type, length].
const kArrayTypes = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

function bytesOfBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function readBlock(base64) {
  const buffer = await inflate(bytesOfBase64(base64));
  const headerLength = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headerLength)));
  const arrays = {};
  let at = Math.ceil((4 + headerLength) / 8) * 8;
  for (const [name, type, length] of header.arrays) {
    arrays[name] = new kArrayTypes[type](buffer, at, length);
    at = Math.ceil((at + arrays[name].byteLength) / 8) * 8;
  }
  return { header, arrays };
}
