"use strict";
// "Try it": the browser asks the token endpoint of this server by itself, and shows what
// went there, what came back and what the token says. Nothing is kept.
(() => {
  const form = (s) => encodeURIComponent(s).replace(/%20/g, "+");
  const json = (s) => JSON.stringify(s).slice(1, -1);

  // fill puts what was typed in place of the marks of a recipe.
  const fill = (text, values, encode) => {
    // In one go, and by a function: what was typed may look like a mark, or like a pattern of replace.
    return text.replace(/MARK([a-z]+)MARK/g, (mark, name) => (name in values ? encode(values[name]) : mark));
  };

  // pairs leaves out the fields of a form that nothing was typed for.
  const pairs = (body, values) => body.split("&").filter((pair) => {
    const mark = /MARK(\w+?)MARK$/.exec(pair);
    return !mark || values[mark[1]] !== "";
  }).join("&");

  const request = (recipe, values) => {
    const isForm = (recipe.headers["Content-Type"] || "").startsWith("application/x-www-form-urlencoded");
    const body = fill(isForm ? pairs(recipe.body, values) : recipe.body, values, isForm ? form : json);
    const headers = { ...recipe.headers };
    if (recipe.basic) {
      const raw = new TextEncoder().encode(fill(recipe.basic, values, form));
      headers.Authorization = "Basic " + btoa(String.fromCharCode(...raw));
    }
    return { path: fill(recipe.path, values, form), headers, body };
  };

  const decode = (part) => {
    const raw = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.stringify(JSON.parse(new TextDecoder().decode(raw)), null, 2);
  };

  const block = (id, title, parts, tag) => {
    const section = document.createElement("section");
    section.setAttribute("aria-labelledby", id);
    const h = document.createElement("h2");
    h.id = id;
    h.textContent = title + " ";
    if (tag) {
      const span = document.createElement("span");
      span.className = "tag " + tag[0];
      span.textContent = tag[1];
      h.append(span);
    }
    section.append(h);
    for (const [name, text] of parts) {
      if (name) section.append(Object.assign(document.createElement("h3"), { textContent: name }));
      const pre = Object.assign(document.createElement("pre"), { className: "code", textContent: text, tabIndex: 0 });
      pre.setAttribute("role", "region");
      pre.setAttribute("aria-label", name || title);
      section.append(pre);
    }
    return section;
  };

  const run = async (f) => {
    const option = f.elements.dialect.selectedOptions[0];
    const recipe = JSON.parse(option.dataset.recipe);
    const values = {
      client: f.elements.client_id.value.trim(), secret: f.elements.client_secret.value, scope: f.elements.scope.value.trim(),
      email: f.elements.email.value.trim(), password: f.elements.password.value, partner: f.elements.partner.value.trim(),
    };
    const r = request(recipe, values);
    const shown = request(recipe, { ...values, secret: values.secret && "MASKED", password: values.password && "MASKED" });
    const lines = Object.entries(shown.headers).map(([k, v]) => k + ": " + (k === "Authorization" ? "Basic •••" : v));
    const asked = [recipe.method + " " + shown.path + " HTTP/1.1", "Host: " + location.host, ...lines].join("\n") + "\n\n" + shown.body.replaceAll("MASKED", "•••");
    const out = document.getElementById("outcome");
    out.replaceChildren(block("asked", "Request", [["", asked]]));
    let answer;
    try {
      // No cookie goes along, and nothing is kept on the way.
      answer = await fetch(r.path, { method: recipe.method, headers: r.headers, body: r.body, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
    } catch {
      out.append(block("answered", "Answer", [["", "The server did not answer."]], ["bad", "none"]));
      return;
    }
    let text = await answer.text();
    const token = /(eyJ[\w-]+)\.([\w-]+)\.[\w-]*/.exec(text);
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* it is no JSON */ }
    const head = "HTTP/1.1 " + answer.status + " " + answer.statusText + "\n" + [...answer.headers].map(([k, v]) => k + ": " + v).join("\n");
    out.append(block("answered", "Answer", [["", head + "\n\n" + text]], answer.ok ? ["good", "a token"] : ["bad", "refused"]));
    if (!token) return;
    try {
      out.append(block("decoded", "Decoded token", [["Header", decode(token[1])], ["Claims", decode(token[2])]]));
    } catch { /* it only looked like a token */ }
  };

  document.addEventListener("submit", async (e) => {
    if (e.target.id !== "try") return;
    e.preventDefault();
    const button = e.target.querySelector("button");
    button.disabled = true;
    try { await run(e.target); } finally { button.disabled = false; }
  });
})();
