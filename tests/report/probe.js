// Put at the end of a report by check_screenshots.py: tells the page around it what the browser drew.

const boxOf = (element) => {
  const box = element.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
};

// Pixels of a figure, drawn alone with the page's style, that have the accent's colour or a tint of it: both
// accents are far more red than blue, paper and greys are not.
const accentPixels = (svg) => new Promise((resolve) => {
  const copy = svg.cloneNode(true);
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.querySelectorAll("text").forEach((text) => text.remove());
  copy.prepend(document.querySelector("style").cloneNode(true));
  const image = new Image();
  image.onload = () => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, width, height).data;
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      if (pixels[i + 3] > 64 && pixels[i] - pixels[i + 2] > 40) ++count;
    }
    resolve(count);
  };
  image.onerror = () => resolve(-1);
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
});

const probe = async () => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  const figures = [];
  for (const svg of document.querySelectorAll("svg")) {
    const texts = [...svg.querySelectorAll("text")].map((text) => ({text: text.textContent, box: boxOf(text)}));
    figures.push({name: svg.getAttribute("aria-label"), box: boxOf(svg), texts, pixels: await accentPixels(svg)});
  }
  const cut = [...document.querySelectorAll(".scroll:not(.wide)")].filter((place) => place.scrollWidth > place.clientWidth + 1)
    .map((place) => place.innerText.slice(0, 60));
  parent.postMessage({frame: name, width: document.documentElement.scrollWidth, figures, cut}, "*");
};
probe();
