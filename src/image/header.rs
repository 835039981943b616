//! How large a picture will be, whether it moves and of what format it is, from the first bytes of its file: one of absurd
//! size is refused before it is decoded, and of one that no browser decoded a person is told what it is. Knows the headers of
//! PNG, JPEG, GIF, WebP, AVIF and BMP, the marks of other formats, and nothing else of any.

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

/// A format as a person would have to know it to have such a picture looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG, JPEG, GIF, WebP, AVIF, BMP or ICO, which every browser decodes.
    Common,
    /// A drawing in words.
    Svg,
    /// A film, of whatever container.
    Film,
    /// HEIC, or another of HEIF's that is not AVIF.
    Heic,
    /// TIFF, which many cameras' raw files (DNG, NEF, ARW) are, too.
    Tiff,
    /// A camera's raw file that says so: Canon's, Fujifilm's, Olympus' or Panasonic's.
    Raw,
    /// JPEG XL, bare or in its container.
    JpegXl,
    /// JPEG 2000, bare or in its container.
    Jpeg2000,
    /// A file of Photoshop's.
    Photoshop,
    /// A document.
    Pdf,
}

/// Brands of ISO's container that are AVIF.
const AVIF_BRANDS: [&[u8; 4]; 2] = [b"avif", b"avis"];
/// Other brands of HEIF; the last two only say that it is HEIF, and AVIF may have them too.
const HEIF_BRANDS: [&[u8; 4]; 10] =
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"];
/// The brand of Canon's CR3.
const RAW_BRAND: &[u8; 4] = b"crx ";
/// Sizes that the second header of a BMP has.
const BMP_HEADERS: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

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
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if format_of_brands(file) == Format::Film => Kind::Video,
        // Matroska and WebM, Ogg, AVI.
        [0x1a, 0x45, 0xdf, 0xa3, ..] | [b'O', b'g', b'g', b'S', ..] => Kind::Video,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Kind::Video,
        _ if is_svg(file) => Kind::Svg,
        _ => Kind::Still,
    }
}

/// What a file is, by its first bytes, whatever its name or media type says; none where they are no known format's.
pub fn format(file: &[u8]) -> Option<Format> {
    Some(match file {
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] | [0, 0, 1, 0, ..] => {
            Format::Common
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Common,
        [b'B', b'M', ..] if little_u32(file, 14).is_some_and(|bytes| BMP_HEADERS.contains(&bytes)) => Format::Common,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => format_of_brands(file),
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => Format::JpegXl,
        [0xff, 0x4f, 0xff, 0x51, ..] | [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] => Format::Jpeg2000,
        // Canon's CR2 is a TIFF with a mark of its own.
        [b'I', b'I', 0x2a, 0, _, _, _, _, b'C', b'R', ..] => Format::Raw,
        // Panasonic's and Olympus' have other numbers in TIFF's place for one.
        [b'I', b'I', b'U', 0, ..] | [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O', b'R', ..] => Format::Raw,
        _ if file.starts_with(b"FUJIFILMCCD-RAW") => Format::Raw,
        // The second number is that of BigTIFF.
        [b'I', b'I', 0x2a | 0x2b, 0, ..] | [b'M', b'M', 0, 0x2a | 0x2b, ..] => Format::Tiff,
        [b'8', b'B', b'P', b'S', ..] => Format::Photoshop,
        [b'%', b'P', b'D', b'F', b'-', ..] => Format::Pdf,
        // Windows Media, Flash, and both streams of MPEG.
        [0x30, 0x26, 0xb2, 0x75, ..] | [b'F', b'L', b'V', 1, ..] | [0, 0, 1, 0xb3 | 0xba, ..] => Format::Film,
        [0x47, ..] if file.get(188) == Some(&0x47) && file.get(376) == Some(&0x47) => Format::Film,
        _ => match kind(file) {
            Kind::Video => Format::Film,
            Kind::Svg => Format::Svg,
            Kind::Still | Kind::Moving(_) => return None,
        },
    })
}

/// Of a file in ISO's container: the brand that it is of, and behind a number those that it is compatible with.
fn format_of_brands(file: &[u8]) -> Format {
    let end = big_u32(file, 0).map_or(0, |end| end as usize).min(file.len());
    let compatible = file.get(16..end).unwrap_or_default().chunks_exact(4);
    let is = |brand: &[u8], brands: &[&[u8; 4]]| brands.iter().any(|known| brand == known.as_slice());
    let brand = file.get(8..12).unwrap_or_default();
    if is(brand, &AVIF_BRANDS) {
        Format::Common
    } else if is(brand, &HEIF_BRANDS) {
        if compatible.into_iter().any(|brand| is(brand, &AVIF_BRANDS)) { Format::Common } else { Format::Heic }
    } else if brand == RAW_BRAND {
        Format::Raw
    } else {
        Format::Film
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

    use super::{Format, Kind, dimensions, format, kind};

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
    fn a_format_is_known_from_its_first_bytes() {
        let bmp = encoded(ImageFormat::Bmp);
        let mut stream = vec![0; 600];
        for at in [0, 188, 376] {
            stream[at] = 0x47;
        }
        let cases: [(&[u8], Option<Format>); 42] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", Some(Format::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc", Some(Format::Heic)),
            (b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc", Some(Format::Heic)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Some(Format::Common)),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", Some(Format::Common)),
            (b"\0\0\0\x18ftypavis\0\0\0\0msf1avis", Some(Format::Common)),
            // What stands behind the box is no brand.
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1avif", Some(Format::Heic)),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", Some(Format::Raw)),
            (b"II*\0\x10\0\0\0CR\x02\0", Some(Format::Raw)),
            (b"FUJIFILMCCD-RAW 0201", Some(Format::Raw)),
            (b"IIU\0\x18\0\0\0", Some(Format::Raw)),
            (b"IIRO\x08\0\0\0", Some(Format::Raw)),
            (b"IIRS\x08\0\0\0", Some(Format::Raw)),
            (b"MMOR\0\0\0\x08", Some(Format::Raw)),
            (b"II*\0\x08\0\0\0", Some(Format::Tiff)),
            (b"MM\0*\0\0\0\x08", Some(Format::Tiff)),
            (b"II+\0\x08\0\0\0", Some(Format::Tiff)),
            (b"MM\0+\0\x08\0\0", Some(Format::Tiff)),
            (b"\xff\x0a\xfa\x1f", Some(Format::JpegXl)),
            (b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a", Some(Format::JpegXl)),
            (b"\0\0\0\x0cjP  \x0d\x0a\x87\x0a", Some(Format::Jpeg2000)),
            (b"\xff\x4f\xff\x51\0\x2f", Some(Format::Jpeg2000)),
            (b"8BPS\0\x01", Some(Format::Photoshop)),
            (b"%PDF-1.7", Some(Format::Pdf)),
            (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", Some(Format::Film)),
            (b"\0\0\0\x14ftypqt  ", Some(Format::Film)),
            (b"\x1a\x45\xdf\xa3\x9f", Some(Format::Film)),
            (b"\x30\x26\xb2\x75\x8e\x66", Some(Format::Film)),
            (b"FLV\x01\x05", Some(Format::Film)),
            (b"\0\0\x01\xba\x44", Some(Format::Film)),
            (&stream, Some(Format::Film)),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(Format::Svg)),
            (b"\xff\xd8\xff\xe0", Some(Format::Common)),
            (b"\x89PNG", Some(Format::Common)),
            (b"GIF89a", Some(Format::Common)),
            (b"RIFF\0\0\0\0WEBPVP8L", Some(Format::Common)),
            (&bmp, Some(Format::Common)),
            (b"BMWs are cars, and this is no picture.", None),
            (b"This is no picture at all.", None),
            (b"", None),
        ];
        for (file, expected) in cases {
            assert_eq!(format(file), expected, "{:?}", String::from_utf8_lossy(&file[..file.len().min(24)]));
        }
        for (file, _) in cases {
            for n_bytes in 0..file.len().min(64) {
                let _ = format(&file[..n_bytes]);
            }
        }
        for raw in [&b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"[..], b"\0\0\0\x18ftyphevx\0\0\0\0msf1hevx"] {
            assert_eq!(kind(raw), Kind::Still, "{raw:?}");
        }
    }

    #[test]
    fn what_is_no_picture_has_no_size() {
        for file in [&b""[..], b"GIF", b"hello, world, this is text", &[0xff, 0xd8, 0xff, 0xd9], &[0xff, 0xd8, 0, 0]] {
            assert_eq!(dimensions(file), None, "{file:?}");
        }
    }
}
