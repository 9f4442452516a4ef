import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

/** Deep green: calm, and dark enough that white text on it is readable (more than 4.5 to 1 from shade 7 on). */
const pine: MantineColorsTuple = ['#eaf6f2', '#d3eae2', '#a6d5c5', '#76bfa6', '#4fad8c', '#36a17b', '#268b69', '#1b7558', '#125f47', '#064936']

/** Red as it warns: white text on shade 7 is readable, which it is not on the usual one. */
const red: MantineColorsTuple = ['#fff5f5', '#ffe3e3', '#ffc9c9', '#ffa8a8', '#ff8787', '#fa5252', '#e03131', '#c92a2a', '#b02525', '#8f1d1d']

/** What a window or drawer is about stands out as a heading does. */
const headline = { fontWeight: 650, fontSize: '1.1rem' }

export const theme = createTheme({
  primaryColor: 'pine',
  primaryShade: { light: 7, dark: 7 },
  colors: { pine, red },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.55rem' }, h2: { fontSize: '1.2rem' }, h3: { fontSize: '1.02rem' } } },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: { transitionProps: { duration: 120 }, closeButtonProps: { 'aria-label': 'Close' } }, styles: { title: headline } },
    // The first entry takes the focus, and the menu stands in the part of the page that its button is in.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false, withinPortal: false } },
    // A page has one banner, its own: the head of a window over it is none.
    ModalHeader: { defaultProps: { component: 'div' } },
    DrawerHeader: { defaultProps: { component: 'div' } },
    Drawer: { defaultProps: { transitionProps: { duration: 120 } }, styles: { title: headline } },
    // Whoever only passes by with the tabulator is not shown a list over the next field; a click, a letter or an arrow opens it.
    Select: { defaultProps: { openOnFocus: false } },
    TagsInput: { defaultProps: { openOnFocus: false } },
    Tooltip: { defaultProps: { openDelay: 300, events: { hover: true, focus: true, touch: true } } },
    Table: { defaultProps: { verticalSpacing: 6, horizontalSpacing: 'sm' } },
    PasswordInput: { defaultProps: { visibilityToggleButtonProps: { 'aria-label': 'Show or hide' } } },
  },
})

/** Grounds of boxes and marks in the dark: a tint of their colour, where Mantine has the colour itself. */
const calmGrounds = Object.fromEntries(
  ['red', 'orange', 'yellow', 'blue', 'teal', 'green', 'pine'].map((color) => [
    `--mantine-color-${color}-light`,
    `color-mix(in srgb, var(--mantine-color-${color}-6) 20%, var(--mantine-color-body))`,
  ]),
)

/** Quiet text must still be readable: 4.5 to 1 on every surface of both schemes. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5a636b',
    '--mantine-color-placeholder': '#6b747c',
    '--mantine-color-anchor': '#135f49',
    '--mantine-color-error': '#b3261e',
  },
  dark: {
    ...calmGrounds,
    '--mantine-color-dimmed': '#a3abb3',
    '--mantine-color-placeholder': '#8f979f',
    '--mantine-color-anchor': '#7fd0b5',
    '--mantine-color-error': '#ff8f87',
  },
})
