# Sourced after prepare.sh: build_page builds the web page if it is missing or older than its sources.
page_is_new() {
  [ -f ui/dist/.built ] && [ -z "$(find ui/src ui/public ui/index.html ui/vite.config.ts ui/package.json client/src -newer ui/dist/.built -print | head -n 1)" ]
}

build_page() {
  page_is_new && return 0
  echo "Keybearer: building the web page (some seconds) ..." >&2
  (cd ui && vite build --logLevel error) >&2 && touch ui/dist/.built
}
