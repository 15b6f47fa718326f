// Ways to bring a file: drop it anywhere on the page, paste it, choose it, take it with the camera, or use one of ours.
import { h, icon } from "./dom.js";
import { fail } from "./toast.js";

/** Wire the parts of macros.html's dropzone. onfiles(files) gets a list of File; page: whether drops and pastes
    anywhere on the page are meant for it. Of what lies in folders pictures are taken, and the rest is named.
    Gives {choose, camera} to open those from elsewhere.

    @param {HTMLElement} element
    @param {{onfiles: (files: File[]) => void, page?: boolean}} options */
export function dropzone(element, { onfiles, page = true }) {
  /** @type {HTMLInputElement} */
  const input = element.querySelector("[data-files]");
  const kinds = (input.accept || "").split(",").map((kind) => kind.trim()).filter(Boolean);
  const fits = (/** @type {File} */ file) => !kinds.length || kinds.some((kind) =>
    kind.startsWith(".") ? file.name.toLowerCase().endsWith(kind)
      : kind.endsWith("/*") ? file.type.startsWith(kind.slice(0, -1)) || file.type === "" : file.type === kind);
  const hidden = (/** @type {File} */ file) => file.name.startsWith(".") || ["Thumbs.db", "desktop.ini"].includes(file.name)
    || (file.webkitRelativePath || "").split("/").some((part) => part.startsWith(".") || part === "@eaDir" || part === "__MACOSX");
  const give = (/** @type {Iterable<File>} */ list) => {
    const all = [...list];
    const good = all.filter(fits);
    if (all.length > good.length) fail(new Error(`${all.find((file) => !fits(file)).name} is not a file for this page`));
    if (good.length) onfiles(input.multiple ? good : good.slice(0, 1));
  };
  const giveFolder = (/** @type {Iterable<File>} */ list) => {
    const seen = [...list].filter((file) => !hidden(file));
    const good = seen.filter((file) => isPicture(file, input));
    const others = seen.filter((file) => !isPicture(file, input)).map((file) => file.name);
    if (good.length && others.length) fail(new Error(`Left out, since they are no pictures: ${others.join(", ")}`));
    if (good.length) onfiles(good);
    else fail(new Error("There are no photos in that folder."));
  };
  /** @type {HTMLInputElement | null} */
  const folder = element.querySelector("[data-folder]");
  folder?.addEventListener("change", () => { giveFolder(folder.files); folder.value = ""; });
  element.querySelector("[data-choose-folder]")?.addEventListener("click", () => folder.click());
  const choose = () => input.click();
  const camera = () => takePhoto().then((file) => file && give([file])).catch(fail);

  input.addEventListener("change", () => { give(input.files); input.value = ""; });
  element.querySelector("[data-choose]")?.addEventListener("click", choose);
  element.querySelector("[data-camera]")?.addEventListener("click", camera);
  const fetched = async (/** @type {string} */ address) => {
    const blob = await (await fetch(address)).blob();
    return new File([blob], address.split("/").at(-1), { type: blob.type });
  };
  for (const button of element.querySelectorAll("[data-sample], [data-samples]")) {
    button.addEventListener("click", async () => {
      try {
        const { sample, samples } = button.dataset;
        give(await Promise.all((sample || samples).trim().split(" ").map(fetched)));
      } catch (error) {
        fail(error);
      }
    });
  }

  const area = /** @type {HTMLElement} */ (page ? document : element);
  let depth = 0;
  const holdsFiles = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types || [])].includes("Files");
  area.addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; element.classList.add("over"); } });
  area.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) element.classList.remove("over"); });
  area.addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  area.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    depth = 0;
    element.classList.remove("over");
    if (event.defaultPrevented) return; // it was meant for something on the page
    event.preventDefault();
    const entries = folder ? [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean) : [];
    const folders = /** @type {FileSystemDirectoryEntry[]} */ (entries.filter((entry) => entry.isDirectory));
    if (!folders.length) { give(event.dataTransfer.files); return; }
    const loose = [...event.dataTransfer.files].filter((file) => !folders.some((each) => each.name === file.name));
    if (loose.length) give(loose);
    Promise.all(folders.map(inside)).then((found) => giveFolder(found.flat()), fail);
  });
  if (page) {
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files || [])];
      if (files.length) { event.preventDefault(); give(files); }
    });
  }
  return { choose, camera };
}

/** Whether a file is a picture that `input` takes: browsers know no type for some kinds (HEIC), so the endings that it
    names count as well.

    @param {File} file
    @param {HTMLInputElement} input */
export function isPicture(file, input) {
  const endings = (input.accept || "").split(",").map((kind) => kind.trim()).filter((kind) => kind.startsWith(".") && ![".zip", ".json"].includes(kind));
  return file.type.startsWith("image/") || endings.some((ending) => file.name.toLowerCase().endsWith(ending));
}

/**
 * All files in a folder that was dropped, and in those in it.
 *
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<File[]>}
 */
async function inside(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (;;) { // it gives them in parts
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    entries.push(...some);
  }
  const files = await Promise.all(entries.map((entry) => (entry.isDirectory
    ? inside(/** @type {FileSystemDirectoryEntry} */ (entry)) : fileOf(/** @type {FileSystemFileEntry} */ (entry)))));
  return files.flat();
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/**
 * A photo from the camera, or null if the person changed their mind.
 *
 * @returns {Promise<File | null>}
 */
export async function takePhoto() {
  if (!navigator.mediaDevices?.getUserMedia) return throughTheSystem();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
  } catch (error) {
    const why = error.name === "NotAllowedError" ? "the browser was not allowed to use it" : "none was found, or it is in use";
    throw new Error(`The camera cannot be used: ${why}; choose a photo instead.`);
  }
  const video = h("video", { autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  video.srcObject = stream;
  const take = h("button", { class: "button main", type: "button" }, icon("camera"), "Take the photo");
  const leave = h("button", { class: "button", type: "button" }, "Cancel");
  const dialog = h("dialog", { "aria-label": "Camera" }, h("h2", {}, "Smile"), video, h("div", { class: "row" }, take, leave));
  document.body.append(dialog);
  dialog.showModal();
  try {
    return await new Promise((resolve, reject) => {
      dialog.addEventListener("close", () => resolve(null));
      leave.addEventListener("click", () => dialog.close());
      take.addEventListener("click", () => {
        if (!video.videoWidth) return;
        const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => (blob
          ? resolve(new File([blob], `camera-${Date.now()}.jpg`, { type: "image/jpeg" }))
          : reject(new Error("The photo could not be taken; try again."))), "image/jpeg", 0.95);
      });
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  }
}

/**
 * Without a live picture (a phone that reaches the studio by plain http), the system's own camera is asked.
 *
 * @returns {Promise<File | null>}
 */
function throughTheSystem() {
  return new Promise((resolve) => {
    const input = h("input", { type: "file", accept: "image/*", capture: "environment" });
    input.addEventListener("change", () => resolve(input.files[0] || null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}
