// Quick, True, Finished: three ways to paint by name. Each is a method and the steps of finishing after it, and sets these
// two controls; what these come to is what is shown.

/** Wire macros.html's segmented. wishes: the controls of the form; onchange(): another way is chosen. Gives {look, named,
    spelled}.

    @typedef {import("./controls.js").ControlValues} ControlValues
    @param {HTMLElement} root
    @param {ReturnType<typeof import("./controls.js").controls>} wishes
    @param {() => void} onchange */
export function effort(root, wishes, onchange) {
  const radios = [.../** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("input[type=radio]"))];
  /**
   * @param {string | undefined} method
   * @param {number | null | undefined} finish
   */
  const fitting = (method, finish) => radios.find(({ dataset }) => dataset.method === method && Number(dataset.finish) === (finish ?? 0));

  // A click, and not an input: what is shown may be what Flamingo has chosen, and a person may choose it too.
  root.addEventListener("click", (event) => {
    const radio = radios.find((each) => each === event.target);
    const values = wishes.values();
    if (!radio || radio === fitting(values.method, values.finish)) return;
    wishes.fill(spelled({ ...values, effort: radio.value }));
    onchange();
  });

  /**
   * Show which of the ways this is, if it is one.
   *
   * @param {string} method
   * @param {number | null | undefined} finish
   */
  function look(method, finish) {
    const now = fitting(method, finish);
    for (const radio of radios) radio.checked = radio === now;
    root.querySelector(".hint").textContent = now ? now.dataset.hint : "A way of your own: see below.";
  }

  /**
   * What is asked for, by its name where it has one.
   *
   * @param {ControlValues} values
   * @returns {ControlValues}
   */
  function named({ method, finish, ...others }) {
    const radio = method && fitting(method, finish);
    return radio ? { ...others, effort: radio.value } : { ...others, ...(method && { method }), ...(finish !== undefined && { finish }) };
  }

  /**
   * The same the other way round.
   *
   * @param {ControlValues} values
   * @returns {ControlValues}
   */
  function spelled({ effort: name, ...others }) {
    const radio = radios.find(({ value }) => value === name);
    return radio ? { ...others, method: radio.dataset.method, finish: Number(radio.dataset.finish) || null } : others;
  }
  return { look, named, spelled };
}
