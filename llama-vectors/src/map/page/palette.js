// Colours: evenly light ones for categories, a ramp for numbers.
//
// Source   OKLCH and its way to sRGB: Björn Ottosson, "A perceptual color space for image processing", 2020.
function oklch(lightness, chroma, hueDegrees) {
  const a = chroma * Math.cos((hueDegrees * Math.PI) / 180);
  const b = chroma * Math.sin((hueDegrees * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((c) => {
    const encoded = c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, encoded)));
  });
}

const kHues = [255, 50, 150, 25, 305, 90, 200, 350, 125, 275, 70, 175];

// The colour of category i: twelve hues, then the same ones lighter and darker.
function categoryColor(i, isDark) {
  const round = Math.floor(i / kHues.length) % 3;
  const lightness = (isDark ? [0.74, 0.86, 0.62] : [0.62, 0.74, 0.48])[round];
  return oklch(lightness, round === 1 ? 0.11 : 0.155, kHues[i % kHues.length] + 9 * round);
}

function otherColor(isDark) {
  return isDark ? [100, 104, 112] : [172, 176, 184];
}

// t from 0 to 1: from blue by green to yellow, lighter (in dark mode) or darker all the way.
function rampColor(t, isDark) {
  const lightness = isDark ? 0.42 + 0.48 * t : 0.86 - 0.5 * t;
  return oklch(lightness, 0.09 + 0.08 * Math.sin(Math.PI * t), isDark ? 280 - 190 * t : 95 + 190 * t);
}

// Give each of `places` ([x, y], the most important first) a colour that differs from those of its neighbours.
function spreadColors(places, colors) {
  const chosen = [];
  places.forEach(([x, y], i) => {
    let best = i % colors, bestScore = -1;
    for (let color = 0; color < colors; color++) {
      let nearest = Infinity;
      for (let j = 0; j < i; j++) {
        if (chosen[j] === color) nearest = Math.min(nearest, (places[j][0] - x) ** 2 + (places[j][1] - y) ** 2);
      }
      if (nearest > bestScore) [best, bestScore] = [color, nearest];
      if (nearest === Infinity) break;
    }
    chosen.push(best);
  });
  return chosen;
}

function cssColor([r, g, b], alpha = 1) {
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}
