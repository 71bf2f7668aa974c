// Names that Unfold's Alpine expressions use. The CSP build of Alpine resolves names only in
// Alpine's own scopes, never on `window`, so each has to be handed to it.
"use strict";

document.addEventListener("alpine:init", () => {
  for (const name of ["theme", "searchForm", "searchDropdown"]) {
    Alpine.data(name, window[name]);
  }

  Alpine.data("page", (firstTab = "") => ({
    activeTab: firstTab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    // The change form builds its action from these, to come back to the open tab.
    window: { location: { pathname: location.pathname, search: location.search } },

    init() {
      this.activeTab = getCurrentTab() || firstTab;
      this.$watch("sidebarDesktopOpen", (open) =>
        localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0"),
      );
    },
  }));
});
