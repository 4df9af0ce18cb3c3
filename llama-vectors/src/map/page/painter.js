// Draws the points with WebGL 2.
//
// Because the first n points are a fair sample of all, a frame of a movement draws only as many as the last frames
// had time for; once the map rests, the others are added over the next frames, on top of what is there.
const kVertexShader = `#version 300 es
layout(location = 0) in vec2 position;
layout(location = 1) in uint code;
uniform vec2 middle, scale;
uniform float size;
uniform sampler2D palette;
flat out vec3 color;
void main() {
  vec4 entry = texelFetch(palette, ivec2(code & 255u, code >> 8u), 0);
  gl_Position = entry.a == 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((position - middle) * scale, 0.0, 1.0);
  gl_PointSize = size;
  color = entry.rgb;
}`;
const kFragmentShader = `#version 300 es
precision highp float;
flat in vec3 color;
uniform float size, alpha;
out vec4 pixel;
void main() {
  float inside = size < 2.5 ? 1.0 : clamp(0.5 * size - size * length(gl_PointCoord - 0.5), 0.0, 1.0);
  pixel = vec4(color, 1.0) * (alpha * inside);
}`;

class Painter {
  constructor(canvas, store, view) {
    this.canvas = canvas;
    this.store = store;
    this.view = view;
    this.budget = 150000; // points of a frame
    this.growth = 1.08; // of the budget, from frame to frame
    this.drawn = 0; // of the picture as it is
    this.uploaded = 0;
    this.marked = 0;
    this.isMoving = false;
    this.gl = canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true, powerPreference: "high-performance" });
    if (this.gl) this.prepare();
  }

  prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, kVertexShader], [gl.FRAGMENT_SHADER, kFragmentShader]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(["middle", "scale", "size", "alpha"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.positions = this.buffer(gl.ARRAY_BUFFER, 8 * this.store.count);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.codes = this.buffer(gl.ARRAY_BUFFER, 2 * this.store.count);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_SHORT, 0, 0);
    this.marks = this.buffer(gl.ELEMENT_ARRAY_BUFFER, 4);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const what of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, what, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  buffer(target, size) {
    const buffer = this.gl.createBuffer();
    this.gl.bindBuffer(target, buffer);
    this.gl.bufferData(target, size, this.gl.DYNAMIC_DRAW);
    return buffer;
  }

  // New points, and their codes.
  upload(coloring) {
    const { gl, store } = this;
    if (!gl || this.uploaded === store.loaded) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.positions);
    gl.bufferSubData(gl.ARRAY_BUFFER, 8 * this.uploaded, store.position, 2 * this.uploaded, 2 * (store.loaded - this.uploaded));
    gl.bindBuffer(gl.ARRAY_BUFFER, this.codes);
    gl.bufferSubData(gl.ARRAY_BUFFER, 2 * this.uploaded, coloring.codes, this.uploaded, store.loaded - this.uploaded);
    this.uploaded = store.loaded;
  }

  recolor(coloring, isDark) {
    const { gl } = this;
    if (!gl) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.codes);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, coloring.codes);
    const rows = Math.ceil(coloring.size / 256);
    const texels = new Uint8Array(4 * 256 * rows);
    texels.set(coloring.texture(isDark));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    this.restart();
  }

  // The points that stand out while the others step back; an empty list: none does.
  mark(points) {
    this.marked = points.length;
    if (this.gl) this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(points), this.gl.DYNAMIC_DRAW);
    this.restart();
  }

  restart() {
    this.drawn = 0;
  }

  resize(width, height) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    if (this.gl) this.gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    this.restart();
  }

  // Diameter in CSS pixels: as large as the room of a point allows, growing more slowly than the zoom.
  get pointSize() {
    const [width, height] = this.view.extent;
    const room = Math.sqrt((this.view.fitScale ** 2 * 2.2 * width * height) / Math.max(1, this.store.count));
    return Math.min(18, Math.min(9, Math.max(1.6, 0.85 * room)) * this.view.zoom ** 0.42);
  }

  get pointAlpha() {
    const crowd = this.store.count / (this.view.zoom ** 2 * 40000);
    return Math.min(0.85, Math.max(0.3, 0.85 - 0.16 * Math.log2(1 + crowd)));
  }

  // How long the last frame of a movement took decides how many points the next one has. Once a frame came late, the
  // budget grows slowly: else every fifth frame would be late again.
  adapt(milliseconds) {
    if (milliseconds > 21) {
      this.budget = Math.max(20000, Math.round(this.budget * 0.75));
      this.growth = 1.005;
    } else if (milliseconds < 18.5) {
      this.budget = Math.min(4000000, Math.ceil(this.budget * this.growth));
    }
  }

  get isComplete() {
    return this.drawn >= this.uploaded;
  }

  paint() {
    const { gl, view } = this;
    if (!gl || (this.isComplete && this.drawn > 0)) return;
    if (this.drawn === 0) {
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }
    gl.uniform2f(this.uniforms.middle, view.x, view.y);
    gl.uniform2f(this.uniforms.scale, (2 * view.scale) / view.width, (2 * view.scale) / view.height);
    const count = Math.min(this.budget, this.uploaded - this.drawn);
    this.set(this.pointSize, this.marked > 0 ? 0.13 : this.pointAlpha);
    if (count > 0) gl.drawArrays(gl.POINTS, this.drawn, count);
    this.drawn += count;
    if (this.marked > 0) {
      this.set(this.pointSize * 1.25 + 1.5, 1);
      gl.drawElements(gl.POINTS, this.marked, gl.UNSIGNED_INT, 0);
    }
  }

  set(size, alpha) {
    this.gl.uniform1f(this.uniforms.size, Math.max(1, size * this.ratio));
    this.gl.uniform1f(this.uniforms.alpha, alpha);
  }
}
