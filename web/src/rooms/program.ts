// Parts of the programs that rooms show.

/** Return the Python that reads the picture of a reference. */
export function readingOf(image: string): string {
  if (image.startsWith("sample:")) return `sl.data.sample("${image.slice(7)}")`;
  return `sl.read("${image.startsWith("file:") ? image.slice(5) : "photo.png"}")`;
}
