"""Draws the generated pictures of this folder, byte for byte the same every time. The reference photographs are not made
here. It must never use the network, the clock, chance, or a font, whose shapes would change with the machine.

    pip install -r requirements.txt       # another Pillow has other encoders and so other bytes
    python make_pictures.py               # writes
    python make_pictures.py --check       # compares and writes nothing
"""

import io
import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent

SKY, GRASS, WALL, ROOF, SUN, WOOD = (
    (150, 200, 235), (90, 150, 70), (235, 220, 190), (170, 60, 50), (250, 210, 80), (110, 75, 45),
)


def encoded(picture, picture_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, picture_format, **options)
    return buffer.getvalue()


def moving_avif(frames, quality):
    """An AVIF sequence without the moment at which it was made, which its heads for film, track and media say."""
    data = bytearray(
        encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=100, quality=quality, max_threads=1)
    )
    for name in (b"mvhd", b"tkhd", b"mdhd"):
        version = data.index(name) + 4
        times = slice(version + 4, version + 4 + (16 if data[version] else 8))
        data[times] = bytes(times.stop - times.start)
    return bytes(data)


def house(width_px, height_px):
    """A house on a lawn, the sun at the top right: it shows at a glance which way is up."""
    picture = Image.new("RGB", (width_px, height_px), SKY)
    draw = ImageDraw.Draw(picture)

    def at(*fractions):
        return [(x * width_px, y * height_px) for x, y in fractions]

    draw.rectangle(at((0, 0.75), (1, 1)), fill=GRASS)
    draw.rectangle(at((0.25, 0.45), (0.7, 0.82)), fill=WALL)
    draw.polygon(at((0.2, 0.45), (0.475, 0.2), (0.75, 0.45)), fill=ROOF)
    draw.rectangle(at((0.43, 0.6), (0.53, 0.82)), fill=WOOD)
    draw.rectangle(at((0.3, 0.52), (0.38, 0.62)), fill=SKY)
    draw.rectangle(at((0.58, 0.52), (0.66, 0.62)), fill=SKY)
    draw.ellipse(at((0.8, 0.06), (0.94, 0.06 + 0.14 * width_px / height_px)), fill=SUN)
    return picture


def hills(width_px, height_px):
    """Five ridges, each paler than the one in front of it."""
    picture = Image.new("RGB", (width_px, height_px), (240, 225, 205))
    draw = ImageDraw.Draw(picture)
    for ridge in range(5):
        tone = 190 - 32 * ridge
        crest = [
            (x, height_px * (0.35 + 0.13 * ridge + 0.06 * math.sin((3 + ridge) * x / width_px * math.pi + 1.7 * ridge)))
            for x in range(0, width_px + 8, 8)
        ]
        draw.polygon([(0, height_px), *crest, (width_px, height_px)], fill=(tone - 20, tone, tone - 10))
    return picture


def gradient_16_bit(side_px):
    picture = Image.new("I;16", (side_px, side_px))
    for y in range(side_px):
        for x in range(side_px):
            picture.putpixel((x, y), (x * side_px + y) * 65535 // (side_px * side_px - 1))
    return picture


def flag_with_clear_colour(width_px, height_px):
    """Palette picture; entry 0 is transparent (the cut-out disc)."""
    picture = Image.new("P", (width_px, height_px), 1)
    picture.putpalette([255, 0, 255, *ROOF, *WALL, 40, 70, 130])
    draw = ImageDraw.Draw(picture)
    draw.rectangle([(0, height_px // 3), (width_px, height_px * 2 // 3)], fill=2)
    draw.rectangle([(0, height_px * 2 // 3), (width_px, height_px)], fill=3)
    draw.ellipse([(width_px * 0.4, height_px * 0.35), (width_px * 0.6, height_px * 0.65)], fill=0)
    return picture


def shapes_with_alpha(side_px):
    """Discs from clear to opaque over a clear ground whose hidden colour is magenta: it must never show through."""
    picture = Image.new("RGBA", (side_px, side_px), (255, 0, 255, 0))
    draw = ImageDraw.Draw(picture)
    for step in range(8):
        centre_x, centre_y = side_px * (0.2 + 0.6 * (step % 3) / 2), side_px * (0.2 + 0.6 * (step // 3) / 2)
        radius = side_px * 0.14
        box = [centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius]
        draw.ellipse(box, fill=(40 + 25 * step, 120, 220 - 25 * step, 32 * step + 31))
    return picture


def plot(width_px, height_px):
    """A line chart in black on white, one bit per pixel."""
    picture = Image.new("1", (width_px, height_px), 1)
    draw = ImageDraw.Draw(picture)
    draw.line([(30, 10), (30, height_px - 30), (width_px - 10, height_px - 30)], fill=0, width=2)
    for tick in range(1, 9):
        x = 30 + tick * (width_px - 40) // 9
        draw.line([(x, height_px - 34), (x, height_px - 26)], fill=0)
    curve = [
        (x, height_px / 2 - (height_px / 3) * math.exp(-x / width_px * 2) * math.cos(x / 22))
        for x in range(31, width_px - 10)
    ]
    draw.line(curve, fill=0, width=2)
    return picture


def flow_diagram(width_px, height_px):
    picture = Image.new("RGB", (width_px, height_px), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    boxes = [(0.08, 0.1), (0.4, 0.1), (0.72, 0.1), (0.4, 0.65)]
    corners = [
        (x * width_px, y * height_px, (x + 0.2) * width_px, (y + 0.25) * height_px) for x, y in boxes
    ]
    for first, second in [(0, 1), (1, 2), (1, 3)]:
        start = ((corners[first][0] + corners[first][2]) / 2, (corners[first][1] + corners[first][3]) / 2)
        end = ((corners[second][0] + corners[second][2]) / 2, (corners[second][1] + corners[second][3]) / 2)
        draw.line([start, end], fill=(90, 90, 90), width=3)
    for corner, colour in zip(corners, [(200, 225, 245), (250, 235, 190), (205, 235, 205), (245, 205, 200)]):
        draw.rounded_rectangle(corner, radius=12, fill=colour, outline=(60, 60, 60), width=2)
    return picture


def fruit(width_px, height_px):
    """Three shaded fruits on a clear ground."""
    picture = Image.new("RGBA", (width_px, height_px), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for centre_x, radius, colour in [(0.25, 0.2, (200, 50, 40)), (0.52, 0.17, (240, 150, 40)), (0.77, 0.18, (120, 170, 50))]:
        for step in range(24):
            shrink = 1 - step / 26
            light = 0.55 + 0.45 * step / 24
            offset = radius * 0.35 * (1 - shrink)
            x, y = (centre_x - offset) * width_px, (0.55 - offset) * height_px
            r = radius * shrink * height_px
            shade = tuple(min(255, round(channel * light + 90 * (step / 24) ** 3)) for channel in colour)
            draw.ellipse([x - r, y - r, x + r, y + r], fill=(*shade, 255))
    return picture


def clock_frames(side_px, n_frames):
    frames = []
    for frame_index in range(n_frames):
        picture = Image.new("RGB", (side_px, side_px), (245, 245, 240))
        draw = ImageDraw.Draw(picture)
        middle, angle = side_px / 2, 2 * math.pi * frame_index / n_frames
        draw.ellipse([4, 4, side_px - 5, side_px - 5], outline=(50, 50, 60), width=3)
        hand = (middle + 0.36 * side_px * math.sin(angle), middle - 0.36 * side_px * math.cos(angle))
        draw.line([(middle, middle), hand], fill=ROOF, width=3)
        frames.append(picture)
    return frames


def alarm_frames(n_frames, place):
    """White but for one frame: the drawing that the picture net takes for what it is not (tests/browser/fixtures)."""
    with Image.open(HERE.parent / "browser/fixtures/false_alarm.png") as file:
        alarm = file.convert("RGB")
    white = Image.new("RGB", alarm.size, (255, 255, 255))
    return [alarm if frame_index == place else white for frame_index in range(n_frames)]


def chess_board(side_px):
    picture = Image.new("P", (side_px, side_px), 0)
    picture.putpalette([*WALL, *WOOD])
    draw = ImageDraw.Draw(picture)
    cell = side_px // 8
    for square in range(64):
        row, column = divmod(square, 8)
        if (row + column) % 2:
            box = [column * cell, row * cell, (column + 1) * cell - 1, (row + 1) * cell - 1]
            draw.rectangle(box, fill=1)
    return picture


def ball_frames(width_px, height_px, n_frames):
    frames = []
    for frame_index in range(n_frames):
        picture = Image.new("P", (width_px, height_px), 0)
        picture.putpalette([*SKY, *GRASS, *ROOF])
        draw = ImageDraw.Draw(picture)
        draw.rectangle([(0, height_px - 12), (width_px, height_px)], fill=1)
        phase = frame_index / n_frames
        x, y = 12 + phase * (width_px - 24), height_px - 20 - 50 * abs(math.sin(2 * math.pi * phase))
        draw.ellipse([x - 8, y - 8, x + 8, y + 8], fill=2)
        frames.append(picture)
    return frames


def colour_wheel(side_px):
    picture = Image.new("HSV", (side_px, side_px), (0, 0, 255))
    middle = (side_px - 1) / 2
    for y in range(side_px):
        for x in range(side_px):
            distance = math.hypot(x - middle, y - middle) / middle
            if distance <= 1:
                hue = round((math.atan2(y - middle, x - middle) / (2 * math.pi) % 1) * 255)
                picture.putpixel((x, y), (hue, round(255 * distance), 255))
    return picture.convert("RGB")


def stars(width_px, height_px):
    picture = Image.new("RGB", (width_px, height_px), (12, 14, 40))
    draw = ImageDraw.Draw(picture)
    state = 1
    for _ in range(90):
        position = []
        for limit in (width_px, height_px):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            position.append((state >> 8) % limit)
        x, y = position
        draw.ellipse([x - 1, y - 1, x + 1, y + 1], fill=(255, 250, 220))
    return picture


PLAIN_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240" viewBox="0 0 32 24">
 <rect width="32" height="24" fill="#96c8eb"/><rect y="18" width="32" height="6" fill="#5a9646"/>
 <rect x="8" y="11" width="14" height="9" fill="#ebdcbe"/><path d="M6 11 L15 5 L24 11 Z" fill="#aa3c32"/>
 <rect x="14" y="15" width="3" height="5" fill="#6e4b2d"/><circle cx="28" cy="4" r="2.4" fill="#fad250"/>
</svg>
"""

# Everything that an SVG can use to act or to call out. The host names end in .example, which can never exist.
ACTIVE_SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="200" height="200"
 onload="document.documentElement.setAttribute('data-onload-ran', 'yes')">
 <style>@import url("https://never-loaded.example/style.css"); circle { fill: teal; }</style>
 <script>
  document.documentElement.setAttribute("data-script-ran", "yes");
  fetch("https://never-loaded.example/fetch");
 </script>
 <script href="https://never-loaded.example/script.js"/>
 <image href="https://never-loaded.example/image.png" x="0" y="0" width="50" height="50"/>
 <image xlink:href="https://never-loaded.example/xlink.png" x="50" y="0" width="50" height="50"/>
 <use href="https://never-loaded.example/symbols.svg#mark"/>
 <foreignObject width="50" height="50">
  <iframe xmlns="http://www.w3.org/1999/xhtml" src="https://never-loaded.example/frame.html"></iframe>
 </foreignObject>
 <circle cx="100" cy="100" r="80"/>
</svg>
"""


def exif_with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def pictures():
    """-> {file name: bytes}"""
    upright = house(240, 320)
    clock, ball = clock_frames(96, 8), ball_frames(100, 80, 10)
    badge = shapes_with_alpha(48)
    return {
        "dot_1x1.png": encoded(Image.new("RGB", (1, 1), SUN), "PNG"),
        "clear_1x1.gif": encoded(Image.new("P", (1, 1), 0), "GIF", transparency=0),
        "line_2000x1.png": encoded(Image.linear_gradient("L").rotate(90).resize((2000, 1)), "PNG"),
        "gradient_16_bit.png": encoded(gradient_16_bit(64), "PNG"),
        "flag_palette.png": encoded(flag_with_clear_colour(120, 80), "PNG", transparency=0),
        "shapes_alpha.png": encoded(shapes_with_alpha(256), "PNG"),
        "plot_1_bit.png": encoded(plot(400, 300), "PNG"),
        "hills_4000x3000.png": encoded(hills(4000, 3000).quantize(8), "PNG", optimize=True),
        "house.jpg": encoded(house(320, 240), "JPEG", quality=85),
        # Stored lying on its side; whoever obeys the orientation sees the house upright, 240 wide and 320 high.
        "house_exif_6.jpg": encoded(
            upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=85, exif=exif_with_orientation(6)
        ),
        "hills_progressive.jpg": encoded(hills(640, 480), "JPEG", quality=80, progressive=True),
        "hills_grey.jpg": encoded(hills(320, 240).convert("L"), "JPEG", quality=80),
        "house_cmyk.jpg": encoded(house(160, 120).convert("CMYK"), "JPEG", quality=85),
        "fruit_lossy_alpha.webp": encoded(fruit(400, 300), "WEBP", quality=75, method=4),
        "flow_lossless.webp": encoded(flow_diagram(480, 320), "WEBP", lossless=True, method=4),
        "clock_animated.webp": encoded(
            clock[0], "WEBP", save_all=True, append_images=clock[1:], duration=125, loop=0, lossless=True
        ),
        "chess_board.gif": encoded(chess_board(200), "GIF"),
        "ball_animated.gif": encoded(ball[0], "GIF", save_all=True, append_images=ball[1:], duration=80, loop=0),
        "colour_wheel.bmp": encoded(colour_wheel(150), "BMP"),
        "badge_16_32_48.ico": encoded(badge, "ICO", sizes=[(16, 16), (32, 32), (48, 48)]),
        "stars.avif": encoded(stars(300, 200), "AVIF", quality=60, max_threads=1),
        "clock_animated.avif": moving_avif(clock_frames(96, 12), quality=60),
        "alarm_animated.avif": moving_avif(alarm_frames(15, 6), quality=90),
        "house.svg": PLAIN_SVG.encode(),
        "active_content.svg": ACTIVE_SVG.encode(),
    }


def main():
    made = pictures()
    if sys.argv[1:] == ["--check"]:
        changed = [name for name, data in made.items() if not (HERE / name).exists() or (HERE / name).read_bytes() != data]
        if changed:
            sys.exit(f"not the bytes this script makes: {', '.join(changed)}. Is Pillow the version in requirements.txt?")
        print(f"{len(made)} pictures as made")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    for name, data in made.items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
