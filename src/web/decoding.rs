//! From what a message or a capture brings (Blob, File, pixels) to plain RGBA pixels, by the browser's own
//! decoders, and in bands: linear memory never shrinks, so no whole picture ever enters it. It must never keep a
//! picture, and never know what the pixels are judged for.

use js_sys::{Array, Promise, Uint8Array, Uint8ClampedArray};
use thiserror::Error;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, ImageData, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use crate::{
    engine::{EngineError, PixelSource},
    image::{Format, Kind, dimensions, format, is_photograph, kind},
    protocol::{PICTURE_SIDE_MAX, Reason, Refusal},
    web::browser::chrome,
};

/// Pixels leave the browser in bands of whole rows of about this many bytes.
const BAND_BYTES: u32 = 1024 * 1024;
/// Pictures with more pixels than this are not decoded: they would take the browser gigabytes and seconds.
const PIXELS_MAX: u64 = 100_000_000;
/// The opposite of what covered.css does.
const FAINT_UNDONE: &str = "contrast(10)";
/// Enough of a file to find its size behind the metadata and preview that cameras put first.
const HEADER_BYTES: f64 = 256.0 * 1024.0;
/// A file above this is not opened: no photograph is that large, and decoding it would take the worker's memory.
pub const FILE_BYTES_MAX: f64 = 100.0 * 1024.0 * 1024.0;

#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("no picture stands beside the request; send a Blob, or width, height and data, as `picture`")]
    Missing,
    #[error("the picture has {0} bytes, more than the 100 MiB that are looked at")]
    TooLarge(f64),
    #[error("the picture has {0} by {1} pixels, more than are looked at")]
    TooManyPixels(u32, u32),
    #[error("the browser can't decode this picture: {0}")]
    Unreadable(String),
    /// A file, and what its first bytes say that it is.
    #[error("the browser can't decode this file ({0:?}): {1}")]
    Undecodable(Option<Format>, String),
    #[error("this picture is drawn by a document, and there is none here")]
    NeedsDocument,
}

/// A decoded picture whose pixels are still the browser's.
pub struct Decoded {
    pub width: u32,
    pub height: u32,
    pixels: Source,
}

enum Source {
    Canvas(OffscreenCanvasRenderingContext2d),
    Array(Uint8ClampedArray),
}

impl PixelSource for Decoded {
    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn rows(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        let failed = |error: DecodeError| EngineError::Pixels(error.to_string());
        let row_bytes = self.width * 4;
        let rows_per_band = (BAND_BYTES / row_bytes.max(1)).max(1);
        let mut band = vec![0_u8; (rows_per_band.min(self.height) * row_bytes) as usize];
        for first_row in (0..self.height).step_by(rows_per_band as usize) {
            let n_rows = rows_per_band.min(self.height - first_row);
            let pixels = match &self.pixels {
                Source::Canvas(context) => context
                    .get_image_data(0.0, f64::from(first_row), f64::from(self.width), f64::from(n_rows))
                    .map_err(|thrown| failed(unreadable(thrown)))
                    .map(|rows| pixels_of(&rows))?,
                Source::Array(all) => all.subarray(first_row * row_bytes, (first_row + n_rows) * row_bytes),
            };
            let band = &mut band[..(n_rows * row_bytes) as usize];
            if pixels.length() as usize != band.len() {
                return Err(failed(DecodeError::Unreadable("it has fewer pixels than it says".to_owned())));
            }
            pixels.copy_to(band);
            take(band)?;
        }
        Ok(())
    }
}

/// A rectangle in the pixels of a captured tab.
#[derive(Debug, Clone, Copy)]
pub struct Crop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub upright: Option<Upright>,
    /// Whether it is painted with a tenth of its contrast (content/covered.css).
    pub faint: bool,
}

/// A picture that a page turned or skewed: where its first corner is in the capture, and what turned it.
#[derive(Debug, Clone, Copy)]
pub struct Upright {
    pub corner: (f64, f64),
    /// a, b, c, d of a CSS matrix.
    pub turn: [f64; 4],
    /// The picture's size as it was before.
    pub width: f64,
    pub height: f64,
}

#[wasm_bindgen]
extern "C" {
    /// frames.js, by way of background.js or helper.js.
    #[wasm_bindgen(catch, js_name = sottoFramesOf)]
    fn frames_of(blob: &Blob, media_type: &str) -> Result<Promise, JsValue>;
    /// From there, too.
    #[wasm_bindgen(catch, js_name = sottoShrunk)]
    fn shrunk_photograph(blob: &Blob, width: u32, height: u32, side_max: u32) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_name = createImageBitmap)]
    fn create_image_bitmap(source: &JsValue, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_name = createImageBitmap)]
    fn create_cropped_bitmap(source: &JsValue, x: f64, y: f64, width: f64, height: f64) -> Result<Promise, JsValue>;
}

/// What is to be judged of one picture.
pub struct Sight {
    /// One, or those that were chosen of a moving picture.
    pub frames: Vec<Decoded>,
    /// How many frames the picture has; 0 of a film, of which nobody counts them.
    pub n_frames: u32,
}

impl From<Decoded> for Sight {
    fn from(still: Decoded) -> Self {
        Self { frames: vec![still], n_frames: 1 }
    }
}

/// The same where there is no document, and nobody to ask for one.
pub async fn without_document(picture: &JsValue) -> Result<Sight, DecodeError> {
    match picture.dyn_ref::<Blob>() {
        Some(blob) if matches!(kind(&header(blob).await?), Kind::Svg | Kind::Video) => Err(DecodeError::NeedsDocument),
        _ => self::picture(picture).await,
    }
}

pub async fn picture(picture: &JsValue) -> Result<Sight, DecodeError> {
    let why = match decoded(picture).await {
        Err(DecodeError::Unreadable(why)) => why,
        outcome => return outcome,
    };
    // Asked only now: a browser may decode more than others do. A file that can't be read any more says nothing.
    match picture.dyn_ref::<Blob>() {
        Some(blob) => Err(match header(blob).await {
            Ok(header) => DecodeError::Undecodable(format(&header), why),
            Err(_) => DecodeError::Unreadable(why),
        }),
        None => Err(DecodeError::Unreadable(why)),
    }
}

async fn decoded(picture: &JsValue) -> Result<Sight, DecodeError> {
    if let Some(pixels) = from_array(picture) {
        return if pixels.width.max(pixels.height) <= PICTURE_SIDE_MAX {
            Ok(pixels.into())
        } else {
            shrunk(&pixels).await
        };
    }
    if let Some(blob) = picture.dyn_ref::<Blob>() {
        let header = header(blob).await?;
        let kind = kind(&header);
        // Of a film only what is looked at is read.
        if blob.size() > FILE_BYTES_MAX && kind != Kind::Video {
            return Err(DecodeError::TooLarge(blob.size()));
        }
        let size = dimensions(&header);
        if let Some((width, height)) = size
            && u64::from(width) * u64::from(height) > PIXELS_MAX
        {
            return Err(DecodeError::TooManyPixels(width, height));
        }
        match kind {
            Kind::Still => {}
            Kind::Video => return frames(blob, "video").await,
            Kind::Moving(media_type) => return frames(blob, media_type).await,
            Kind::Svg => return frames(blob, "image/svg+xml").await,
        }
        if let Some((width, height)) = size.filter(|_| is_photograph(&header))
            && width.max(height) > PICTURE_SIDE_MAX
        {
            let asked = shrunk_photograph(blob, width, height, PICTURE_SIDE_MAX).map_err(unreadable)?;
            let context = JsFuture::from(asked).await.map_err(unreadable)?;
            return Ok(from_context(context.unchecked_into()).into());
        }
    } else {
        return Err(DecodeError::Missing);
    }
    // Orientation is taken from the file's EXIF data unless told otherwise. Colour profiles are left alone, as they were
    // when the net was trained: to convert tests/pictures/rocket.jpg moves a class by 0.08.
    let options = chrome::object(&[("colorSpaceConversion", "none".into())]);
    Ok(from_bitmap(bitmap(create_image_bitmap(picture, &options)).await?)?.into())
}

/// What a worker sees only the first frame of, or nothing at all.
async fn frames(blob: &Blob, media_type: &str) -> Result<Sight, DecodeError> {
    let asked = frames_of(blob, media_type).map_err(unreadable)?;
    let found = JsFuture::from(asked).await.map_err(|thrown| {
        // unseen.js names it so.
        if chrome::get(&thrown, "name") == "NoPage" { DecodeError::NeedsDocument } else { unreadable(thrown) }
    })?;
    let n_frames = chrome::get(&found, "total").as_f64().unwrap_or_default() as u32;
    let frames: Array = chrome::get(&found, "frames").dyn_into().unwrap_or_default();
    let frames: Vec<Decoded> = frames.iter().filter_map(|frame| from_array(&frame)).collect();
    if frames.is_empty() {
        return Err(DecodeError::Unreadable("it has no frame".to_owned()));
    }
    Ok(Sight { frames, n_frames })
}

/// Pixels as an ImageData has them: a plain object does as well, because Firefox sends no ImageData.
fn from_array(picture: &JsValue) -> Option<Decoded> {
    let data: Uint8ClampedArray = chrome::get(picture, "data").dyn_into().ok()?;
    let side = |name| chrome::get(picture, name).as_f64().map(|pixels| pixels as u32).filter(|&pixels| pixels > 0);
    Some(Decoded { width: side("width")?, height: side("height")?, pixels: Source::Array(data) })
}

async fn shrunk(pixels: &Decoded) -> Result<Sight, DecodeError> {
    let Source::Array(data) = &pixels.pixels else { return Err(DecodeError::Missing) };
    // Throws where the sides don't fit the data.
    let image =
        ImageData::new_with_js_u8_clamped_array_and_sh(data, pixels.width, pixels.height).map_err(unreadable)?;
    Ok(from_bitmap(bitmap(create_image_bitmap(&image, &JsValue::UNDEFINED)).await?)?.into())
}

async fn header(blob: &Blob) -> Result<Vec<u8>, DecodeError> {
    let start = blob.slice_with_f64_and_f64(0.0, HEADER_BYTES).map_err(unreadable)?;
    let bytes = JsFuture::from(start.array_buffer()).await.map_err(unreadable)?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

/// The part of a captured tab that shows the picture.
pub async fn cropped(capture: &Blob, crop: &Crop) -> Result<Decoded, DecodeError> {
    if let Some(upright) = &crop.upright {
        let whole = bitmap(create_image_bitmap(capture, &JsValue::UNDEFINED)).await?;
        let turned = turned_back(&whole, upright);
        whole.close();
        return turned;
    }
    let part = bitmap(create_cropped_bitmap(capture, crop.x, crop.y, crop.width, crop.height)).await?;
    drawn(part, if crop.faint { FAINT_UNDONE } else { "none" })
}

async fn bitmap(asked: Result<Promise, JsValue>) -> Result<ImageBitmap, DecodeError> {
    let made = JsFuture::from(asked.map_err(unreadable)?).await.map_err(unreadable)?;
    Ok(made.unchecked_into())
}

fn from_context(context: OffscreenCanvasRenderingContext2d) -> Decoded {
    let canvas = chrome::get(&context, "canvas");
    let side = |name| chrome::get(&canvas, name).as_f64().unwrap_or_default() as u32;
    Decoded { width: side("width"), height: side("height"), pixels: Source::Canvas(context) }
}

fn from_bitmap(bitmap: ImageBitmap) -> Result<Decoded, DecodeError> {
    drawn(bitmap, "none")
}

/// No larger than a net needs, through a filter of the canvas.
fn drawn(bitmap: ImageBitmap, filter: &str) -> Result<Decoded, DecodeError> {
    let longer = bitmap.width().max(bitmap.height()).max(1);
    let scale = (f64::from(PICTURE_SIDE_MAX) / f64::from(longer)).min(1.0);
    let side = |pixels: u32| (f64::from(pixels) * scale).round().max(1.0) as u32;
    let (width, height) = (side(bitmap.width()), side(bitmap.height()));
    let drawn = draw(&bitmap, width, height, filter);
    bitmap.close();
    Ok(Decoded { width, height, pixels: Source::Canvas(drawn.map_err(unreadable)?) })
}

fn turned_back(capture: &ImageBitmap, upright: &Upright) -> Result<Decoded, DecodeError> {
    let [a, b, c, d] = upright.turn;
    let area = a * d - b * c;
    if area.abs() < 1e-6 {
        return Err(DecodeError::Unreadable("it is seen edge on".to_owned()));
    }
    // The inverse of: turn, then move to the corner; and no larger than a net needs.
    let shrunk = (f64::from(PICTURE_SIDE_MAX) / upright.width.max(upright.height)).min(1.0);
    let (a, b, c, d) = (d / area * shrunk, -b / area * shrunk, -c / area * shrunk, a / area * shrunk);
    let (x, y) = upright.corner;
    let side = |pixels: f64| (pixels * shrunk).round().max(1.0) as u32;
    let (width, height) = (side(upright.width), side(upright.height));
    let drawn = canvas(width, height).and_then(|context| {
        context.set_transform(a, b, c, d, -a * x - c * y, -b * x - d * y)?;
        context.draw_image_with_image_bitmap(capture, 0.0, 0.0)?;
        Ok(context)
    });
    Ok(Decoded { width, height, pixels: Source::Canvas(drawn.map_err(unreadable)?) })
}

fn draw(
    bitmap: &ImageBitmap,
    width: u32,
    height: u32,
    filter: &str,
) -> Result<OffscreenCanvasRenderingContext2d, JsValue> {
    let context = canvas(width, height)?;
    chrome::set(&context, "filter", &filter.into());
    context.draw_image_with_image_bitmap_and_dw_and_dh(bitmap, 0.0, 0.0, f64::from(width), f64::from(height))?;
    Ok(context)
}

fn canvas(width: u32, height: u32) -> Result<OffscreenCanvasRenderingContext2d, JsValue> {
    let canvas = OffscreenCanvas::new(width, height)?;
    let wanted = chrome::object(&[("willReadFrequently", true.into())]);
    let context = canvas.get_context_with_context_options("2d", &wanted)?;
    context.map(JsValue::from).unwrap_or_default().dyn_into()
}

/// The pixels as JavaScript has them: web_sys would copy them all into linear memory.
fn pixels_of(image: &ImageData) -> Uint8ClampedArray {
    chrome::get(image, "data").unchecked_into()
}

fn unreadable(thrown: JsValue) -> DecodeError {
    DecodeError::Unreadable(chrome::reason_of(&thrown))
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        let reason = match error {
            DecodeError::Missing => Reason::BadRequest,
            DecodeError::TooLarge(_) | DecodeError::TooManyPixels(..) => Reason::LargePicture,
            DecodeError::Unreadable(_) => Reason::UnreadablePicture,
            DecodeError::NeedsDocument => Reason::NoDecoder,
            DecodeError::Undecodable(format, _) => match format {
                None => Reason::UnknownPicture,
                Some(Format::Common) => Reason::DamagedPicture,
                Some(Format::Svg) => Reason::SvgPicture,
                Some(Format::Film) => Reason::UnreadableVideo,
                Some(Format::Heic) => Reason::HeicPicture,
                Some(Format::Tiff) => Reason::TiffPicture,
                Some(Format::Raw) => Reason::RawPicture,
                Some(Format::JpegXl) => Reason::JpegXlPicture,
                Some(Format::Jpeg2000) => Reason::Jpeg2000Picture,
                Some(Format::Photoshop) => Reason::PhotoshopPicture,
                Some(Format::Pdf) => Reason::PdfFile,
            },
        };
        Self { reason, detail: error.to_string() }
    }
}
