//! Names and limits that Rust and JavaScript must agree on. Those that JavaScript needs are written for it by the build
//! (declarations.rs); a content script, which can import nothing, names the constant beside its own figure, and
//! tests/supply compares the two.

/// The menu entry for a selected text, by the name that the browser gives back; the keyboard's command has it too.
pub const MENU_SELECTION: &str = "classify-selection";
/// The menu entry for a picture, or for whatever may have one under the pointer.
pub const MENU_PICTURE: &str = "check-image";

/// Where a verdict waits in the browser's session memory for the popup to show it once.
pub const SESSION_VIEW: &str = "view";

/// A passphrase that keeps protection as it is has this many characters or more; the words of the settings page say six.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 6;
/// How long what it keeps can be changed after it was given; the words of the settings page say ten minutes.
pub const UNLOCKED_MS: u32 = 600_000;

/// What people said of wrong verdicts is kept up to this number; a picture's takes 360 bytes.
pub const CORRECTIONS_MAX: usize = 5_000;

/// Of a longer selection only the beginning is taken, in UTF-16 units: twice what the engine reads of it.
pub const SELECTED_UNITS_MAX: u32 = 100_000;
/// A frame's message beyond this length is refused before it is read: what enters linear memory makes it grow for ever.
pub const FRAME_MESSAGE_UNITS_MAX: u32 = 16_384;
/// The same for what brings a selected text.
pub const FRAME_TEXT_UNITS_MAX: u32 = SELECTED_UNITS_MAX + FRAME_MESSAGE_UNITS_MAX;
/// A text is cut to this many UTF-16 units before it enters linear memory, which never shrinks: several times what is
/// read of any text.
pub const TEXT_UNITS_MAX: u32 = 256 * 1024;
/// Pictures that a scan asks for in one capture of the tab; each is decoded out of it.
pub const SPOTS_MAX: u32 = 24;
/// Pixels on the longer side of a picture that is handed to the background: more than a net looks at.
pub const PICTURE_SIDE_MAX: u32 = 1024;
