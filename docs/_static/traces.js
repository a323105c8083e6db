// Unpacks every trace of the page and puts the player there, once it comes into view.
(() => {
  async function unpacked(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  async function show(place) {
    SightlinePlayer.mount(place, await unpacked(place.dataset.trace));
    place.removeAttribute("data-trace");
  }
  const watcher = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      show(target);
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll(".sightline-trace").forEach((place) => watcher.observe(place));
})();
