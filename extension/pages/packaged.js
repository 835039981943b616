// Reads what the page "How good is it?" has judged: texts and benign pictures of the package, by their names below proof/. It must
// never know what they are for.

globalThis.sottoPackaged = async (file) => {
  const response = await fetch(new URL(`../proof/${file}`, import.meta.url));
  return response.blob();
};
