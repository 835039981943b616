//! How large a picture will be and whether it moves, from the first bytes of its file, so that one of absurd size is
//! refused before it is decoded. Knows the headers of PNG, JPEG, GIF, WebP, AVIF and BMP and nothing else of these
//! formats.

/// What has to be done to see all of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One picture, or of a format that is not known here.
    Still,
    /// Perhaps more than one frame; the media type says of what format.
    Moving(&'static str),
    /// Drawn from a description.
    Svg,
    /// A film.
    Video,
}

/// Brands of ISO's container that are pictures; all others are films.
const PICTURE_BRANDS: [&[u8; 4]; 9] = [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"];

/// By its first bytes, whatever its name or media type says.
pub fn kind(file: &[u8]) -> Kind {
    match file {
        [b'G', b'I', b'F', b'8', ..] => Kind::Moving("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', b'8', b'X', ..]
            if file.get(20).is_some_and(|flags| flags & 2 != 0) =>
        {
            Kind::Moving("image/webp")
        }
        // The frames' table stands before the first picture's data.
        [0x89, b'P', b'N', b'G', ..] if before(file, b"acTL", b"IDAT") => Kind::Moving("image/png"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if before(file, b"avis", b"meta") => Kind::Moving("image/avif"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]
            if !PICTURE_BRANDS.iter().any(|picture| brand.starts_with(*picture)) =>
        {
            Kind::Video
        }
        // Matroska and WebM, Ogg, AVI.
        [0x1a, 0x45, 0xdf, 0xa3, ..] | [b'O', b'g', b'g', b'S', ..] => Kind::Video,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Kind::Video,
        _ if is_svg(file) => Kind::Svg,
        _ => Kind::Still,
    }
}

/// Of a format that can be decoded at a fraction of its size.
pub fn is_photograph(file: &[u8]) -> bool {
    file.starts_with(&[0xff, 0xd8, 0xff])
}

/// Whether `wanted` stands in the file, and not behind `end`.
fn before(file: &[u8], wanted: &[u8; 4], end: &[u8; 4]) -> bool {
    let found = |word: &[u8; 4]| file.windows(4).position(|window| window == word);
    found(wanted).is_some_and(|at| found(end).is_none_or(|end| at < end))
}

/// Markup whose first element is `svg`, behind whatever declarations and comments.
fn is_svg(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&file[..file.len().min(4096)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('<') && !text.contains("<html") && text.contains("<svg")
}

/// Width and height as the header says; none for other formats and for headers that are cut off.
pub fn dimensions(file: &[u8]) -> Option<(u32, u32)> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some((big_u32(file, 16)?, big_u32(file, 20)?)),
        [0xff, 0xd8, ..] => jpeg(file),
        [b'G', b'I', b'F', b'8', ..] => Some((little_u16(file, 6)?, little_u16(file, 8)?)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(file),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => avif(file),
        // A negative height means rows from top to bottom.
        [b'B', b'M', ..] => Some((little_u32(file, 18)?, (little_u32(file, 22)? as i32).unsigned_abs())),
        _ => None,
    }
}

/// Walks from marker to marker up to the frame header, which says the size.
fn jpeg(file: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *file.get(at..at + 2)? else { return None };
        match marker {
            // A marker may be preceded by any number of fill bytes.
            0xff => at += 1,
            // Start of frame, of every kind but the tables that share its range.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big_u16(file, at + 7)?, big_u16(file, at + 5)?));
            }
            // The picture's data begins, and no frame was declared.
            0xda | 0xd9 => return None,
            _ => at += 2 + big_u16(file, at + 2)? as usize,
        }
    }
}

fn webp(file: &[u8]) -> Option<(u32, u32)> {
    match file.get(12..16)? {
        // Lossy: 14 bits each after the start code.
        b"VP8 " => Some((little_u16(file, 26)? & 0x3fff, little_u16(file, 28)? & 0x3fff)),
        // Lossless: 14 bits each, less one, packed after the signature byte.
        b"VP8L" => {
            let packed = little_u32(file, 21)?;
            Some(((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1))
        }
        // Extended: 24 bits each, less one.
        b"VP8X" => Some(((little_u32(file, 24)? & 0xff_ffff) + 1, (little_u32(file, 26)? >> 8) + 1)),
        _ => None,
    }
}

/// The largest of the sizes that its properties name: a picture may be a grid of smaller ones.
fn avif(file: &[u8]) -> Option<(u32, u32)> {
    let places = file.windows(4).enumerate().filter(|(_, window)| window == b"ispe").map(|(at, _)| at);
    let sizes = places.filter_map(|at| Some((big_u32(file, at + 8)?, big_u32(file, at + 12)?)));
    sizes.max_by_key(|&(width, height)| u64::from(width) * u64::from(height))
}

fn bytes<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at + N)?.try_into().ok()
}

fn big_u16(file: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(bytes(file, at)?).into())
}

fn little_u16(file: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(bytes(file, at)?).into())
}

fn big_u32(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes(file, at)?))
}

fn little_u32(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes(file, at)?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};

    use super::{Kind, dimensions, kind};

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(321, 57).write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    #[test]
    fn says_what_an_encoder_wrote() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP] {
            assert_eq!(dimensions(&encoded(format)), Some((321, 57)), "{format:?}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_no_panic_and_no_other_size() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP] {
            let file = encoded(format);
            for n_bytes in 0..file.len().min(400) {
                let said = dimensions(&file[..n_bytes]);
                assert!(matches!(said, None | Some((321, 57))), "{format:?} cut at {n_bytes}: {said:?}");
            }
        }
    }

    #[test]
    fn webp_of_the_other_two_kinds() {
        let mut lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0".to_vec();
        lossy.extend([0x30, 1, 0, 0x9d, 1, 0x2a, 0x41, 0x01, 57, 0x40]);
        assert_eq!(dimensions(&lossy), Some((321, 57)));
        let mut extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
        extended.extend([0, 0, 0, 0, 0x40, 0x01, 0, 56, 0, 0]);
        assert_eq!(dimensions(&extended), Some((321, 57)));
    }

    fn picture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn avif_says_its_size() {
        let file = picture("stars.avif");
        assert_eq!(dimensions(&file), Some((300, 200)));
        let mut bomb = file.clone();
        let at = bomb.windows(4).position(|window| window == b"ispe").unwrap();
        bomb[at + 8..at + 16].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert_eq!(dimensions(&bomb), Some((65_535, 65_535)));
    }

    #[test]
    fn what_moves_and_what_is_drawn_is_known_from_the_header() {
        for (name, expected) in [
            ("ball_animated.gif", Kind::Moving("image/gif")),
            ("chess_board.gif", Kind::Moving("image/gif")),
            ("clock_animated.webp", Kind::Moving("image/webp")),
            ("fruit_lossy_alpha.webp", Kind::Still),
            ("flow_lossless.webp", Kind::Still),
            ("stars.avif", Kind::Still),
            ("house.jpg", Kind::Still),
            ("horse.png", Kind::Still),
            ("house.svg", Kind::Svg),
            ("active_content.svg", Kind::Svg),
            ("README.md", Kind::Still),
        ] {
            assert_eq!(kind(&picture(name)), expected, "{name}");
        }
        let mut moving = picture("dot_1x1.png");
        moving.splice(33..33, *b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0\0\0\0\0");
        assert_eq!(kind(&moving), Kind::Moving("image/png"));
        assert_eq!(kind(b"\0\0\0\x20ftypavis\0\0\0\0avif"), Kind::Moving("image/avif"));
        for film in [
            &b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"[..],
            b"\0\0\0\x14ftypqt  ",
            b"\x1a\x45\xdf\xa3\x9f",
            b"OggS\0",
            b"RIFF\0\0\0\0AVI LIST",
        ] {
            assert_eq!(kind(film), Kind::Video, "{film:?}");
        }
        assert_eq!(kind(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), Kind::Still);
        assert_eq!(kind(b"<!doctype html><html><svg></svg></html>"), Kind::Still);
    }

    #[test]
    fn what_is_no_picture_has_no_size() {
        for file in [&b""[..], b"GIF", b"hello, world, this is text", &[0xff, 0xd8, 0xff, 0xd9], &[0xff, 0xd8, 0, 0]] {
            assert_eq!(dimensions(file), None, "{file:?}");
        }
    }
}
