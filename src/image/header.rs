//! How large a picture will be, from the first bytes of its file, so that one of absurd size is refused before it is
//! decoded. Knows the headers of PNG, JPEG, GIF, WebP and BMP and nothing else of these formats.

/// Width and height as the header says; none for other formats and for headers that are cut off.
pub fn dimensions(file: &[u8]) -> Option<(u32, u32)> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some((big_u32(file, 16)?, big_u32(file, 20)?)),
        [0xff, 0xd8, ..] => jpeg(file),
        [b'G', b'I', b'F', b'8', ..] => Some((little_u16(file, 6)?, little_u16(file, 8)?)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(file),
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

    use super::dimensions;

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

    #[test]
    fn what_is_no_picture_has_no_size() {
        for file in [&b""[..], b"GIF", b"hello, world, this is text", &[0xff, 0xd8, 0xff, 0xd9], &[0xff, 0xd8, 0, 0]] {
            assert_eq!(dimensions(file), None, "{file:?}");
        }
    }
}
