/**
 * Applies the colour theme that the user has chosen in the dashboard to a page of the documents. Runs before the page
 * is drawn. If it does not run, the page has the theme of the system.
 */
try {
  const theme = localStorage.getItem("koor-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
} catch {
  // The browser forbids access to the storage.
}
