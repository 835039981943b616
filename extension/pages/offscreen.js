// The page that nobody sees: decodes what the service worker can't, for as long as one picture takes.

import { framesHere } from "../frames.js";

chrome.runtime.onMessage.addListener((/** @type {ToOffscreen & { picture: Blob } | undefined} */ message, sender, sendResponse) => {
  // Only the background has neither a tab nor a page of its own to send from.
  if (sender.id !== chrome.runtime.id || sender.tab || message?.sotto !== "frames") return false;
  framesHere(message.picture, message.type).then(sendResponse, (error) => sendResponse({ error: String(error) }));
  return true;
});
