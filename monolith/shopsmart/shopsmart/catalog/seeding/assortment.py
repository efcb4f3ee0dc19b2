"""What the seeded shop sells: eight departments of four shelves, and the words its goods are named by.

Data, not code. Every brand is invented. Prices are the usual span of a shelf, in the shop's
currency; `options` are what a product may come in, with the factor on its price.
"""

from dataclasses import dataclass

COLOURS = (("Oat", 1.0), ("Slate", 1.0), ("Moss", 1.0), ("Brick", 1.0))
SIZES = (("Small", 1.0), ("Medium", 1.35), ("Large", 1.75))
FORMATS = (("Paperback", 1.0), ("Hardback", 1.9), ("Audio", 1.5))
PACKS = (("Single", 1.0), ("Pack of 3", 2.6), ("Pack of 6", 4.8))
ONE: tuple[tuple[str, float], ...] = (("", 1.0),)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category that products stand in."""

    name: str
    prices: tuple[float, float]
    grams: tuple[int, int]
    options: tuple[tuple[str, float], ...]
    makes: tuple[str, ...]  # what it is made of, or what kind it is
    things: tuple[str, ...]
    praise: tuple[str, ...]  # what is said of it
    naming: str = "{line} {make} {thing}"
    called: str = ""  # in descriptions; empty: by its thing


@dataclass(frozen=True, slots=True)
class Department:
    """A category at the top, with its makers and its colour (hue, 0 to 360) in pictures."""

    name: str
    hue: int
    about: str
    brands: tuple[str, ...]
    shelves: tuple[Shelf, ...]


LINES = (
    "Alder", "Birch", "Calder", "Dale", "Ember", "Fenn", "Garrow", "Harbour", "Isla", "Juniper",
    "Kestrel", "Linden", "Marlow", "Nordby", "Orchard", "Penrose", "Quarry", "Rowan", "Solvang",
    "Tarn", "Umber", "Vesper", "Wren", "Yarrow", "Zéphyr",
)  # fmt: skip

DEPARTMENTS = (
    Department("Kitchen", 18, "For people who cook most days.",
        ("Hearth & Hollow", "Pannikin", "Brennholt", "Saucière"), (
        Shelf("Cookware", (24, 190), (700, 4200), SIZES,
            ("Cast-Iron", "Copper", "Carbon-Steel", "Enamelled"),
            ("Casserole", "Frying Pan", "Saucepan", "Sauté Pan", "Stockpot", "Griddle"),
            ("Heats evenly from the middle to the rim", "Goes from the hob into the oven")),
        Shelf("Knives & Boards", (14, 160), (120, 1800), ONE,
            ("Olive-Wood", "Damascus", "Walnut", "Stainless"),
            ("Chef's Knife", "Paring Knife", "Bread Knife", "Chopping Board", "Carving Set"),
            ("Balanced so that the hand does not tire", "Keeps its edge for months")),
        Shelf("Coffee & Tea", (9, 120), (150, 1500), COLOURS,
            ("Stoneware", "Glass", "Porcelain", "Brushed-Steel"),
            ("Cafetière", "Teapot", "Pour-Over Set", "Milk Jug", "Espresso Cups", "Hand Grinder"),
            ("Pours without a drip", "Keeps a second cup warm")),
        Shelf("Jars & Storage", (6, 60), (200, 1600), SIZES,
            ("Glass", "Cork-Lidded", "Enamel", "Bamboo"),
            ("Storage Jar", "Bread Bin", "Spice Rack", "Lunch Box", "Butter Dish"),
            ("Closes tight and opens with one hand", "Stacks without slipping")),
    )),
    Department("Garden", 105, "For beds, balconies and window sills.",
        ("Thornbury Tools", "Greenacre", "Mulch & Son", "Hortensia"), (
        Shelf("Hand Tools", (9, 85), (180, 2400), ONE,
            ("Ash-Handled", "Forged", "Stainless", "Long-Handled"),
            ("Trowel", "Border Fork", "Secateurs", "Hoe", "Dibber", "Pruning Saw"),
            ("Made to be sharpened, not thrown away", "Sits well in a gloved hand")),
        Shelf("Pots & Planters", (7, 140), (400, 9000), SIZES,
            ("Terracotta", "Glazed", "Zinc", "Recycled"),
            ("Planter", "Window Box", "Hanging Pot", "Seed Tray", "Trough"),
            ("Drains well and survives the frost", "Ages handsomely out of doors")),
        Shelf("Seeds & Bulbs", (2, 24), (10, 400), PACKS,
            ("Organic", "Heritage", "Hardy", "Bee-Friendly"),
            ("Tomato Seeds", "Tulip Bulbs", "Meadow Mix", "Sweet Pea Seeds", "Allium Bulbs"),
            ("Saved from open-pollinated plants", "Comes with a calendar of what to do when")),
        Shelf("Outdoor Lighting", (12, 130), (150, 3000), COLOURS,
            ("Solar", "Brass", "Low-Voltage", "Galvanised"),
            ("Lantern", "Path Light", "Festoon Lights", "Wall Lamp", "Storm Lamp"),
            ("Stays lit until the last guest has gone", "Shrugs off the rain")),
    )),
    Department("Books", 225, "Read, marked and given away.",
        ("Paper Lane Press", "Halyard House", "Fieldfare Editions", "Ink & Ivy"), (
        Shelf("Fiction", (7, 22), (180, 650), FORMATS,
            ("Quiet", "Distant", "Last", "Salt"),
            ("Harbour", "Letters", "Orchard", "Winter", "Cartographer", "Inheritance"),
            ("A story that takes its time", "Three generations and one house"),
            "The {make} {thing} at {line}", "book"),
        Shelf("Cookery", (12, 34), (500, 1500), FORMATS,
            ("Everyday", "Slow", "Small-Kitchen", "Sunday"),
            ("Baking", "Suppers", "Vegetables", "Breads", "Pickles", "Soups"),
            ("A hundred recipes, none with more than ten things in it",
             "Written by somebody who also washes up"),
            "{make} {thing} from the {line} Kitchen", "book"),
        Shelf("Travel & Nature", (9, 30), (250, 900), FORMATS,
            ("Walking the", "Wild", "Northern", "Pocket"),
            ("Coast", "Moors", "Birds", "Rivers", "Night Sky", "Islands"),
            ("With maps one can read in the wind", "For the pocket and for the armchair"),
            "{make} {thing}: The {line} Guide", "book"),
        Shelf("Children's Books", (5, 18), (120, 700), FORMATS,
            ("Little", "Curious", "Sleepy", "Brave"),
            ("Badger", "Whale", "Lighthouse", "Snowman", "Dragon", "Tugboat"),
            ("Bears being read forty times", "Pictures with a joke in every corner"),
            "{make} {thing} Goes to {line}", "book"),
    )),
    Department("Home", 35, "What a room is lived in with.",
        ("Loom & Lamp", "Stillwater", "Casa Mirto", "Hygge Hall"), (
        Shelf("Bedding", (19, 210), (600, 3800), SIZES,
            ("Linen", "Cotton-Percale", "Wool", "Washed-Cotton"),
            ("Duvet Cover", "Pillowcase Pair", "Fitted Sheet", "Blanket", "Quilt"),
            ("Gets softer with every wash", "Cool in summer and warm enough in March")),
        Shelf("Lamps", (22, 240), (500, 4500), COLOURS,
            ("Ceramic", "Rattan", "Brass", "Paper"),
            ("Table Lamp", "Floor Lamp", "Pendant", "Reading Lamp", "Night Light"),
            ("Throws its light where one reads", "Dims without a hum")),
        Shelf("Rugs & Throws", (25, 320), (700, 9000), SIZES,
            ("Jute", "Wool", "Hand-Woven", "Recycled"),
            ("Rug", "Throw", "Runner", "Floor Cushion", "Doormat"),
            ("Lies flat from the first day", "Woven on looms older than the weavers")),
        Shelf("Candles & Scent", (6, 48), (120, 900), PACKS,
            ("Beeswax", "Soy", "Cedar", "Fig"),
            ("Candle", "Tea Lights", "Diffuser", "Incense", "Pillar Candle"),
            ("Burns clean to the end", "Smells of a room, not of a shop")),
    )),
    Department("Office", 200, "A desk worth sitting down at.",
        ("Quire & Co", "Deskwright", "Blotter Bros", "Nib Street"), (
        Shelf("Notebooks", (4, 38), (90, 700), COLOURS,
            ("Dotted", "Ruled", "Leather", "Recycled"),
            ("Notebook", "Diary", "Sketchbook", "Pocket Book", "Planner"),
            ("Opens flat and stays there", "Paper that takes a fountain pen")),
        Shelf("Pens & Ink", (3, 95), (15, 250), COLOURS,
            ("Brass", "Resin", "Refillable", "Fine-Nib"),
            ("Fountain Pen", "Rollerball", "Mechanical Pencil", "Ink Bottle", "Brush Pen"),
            ("Writes at the first touch", "Never leaks in an aeroplane")),
        Shelf("Desk Things", (8, 110), (150, 2600), ONE,
            ("Oak", "Steel", "Cork", "Felt"),
            ("Pen Tray", "Monitor Stand", "Desk Mat", "Bookends", "Letter Rack", "Clock"),
            ("Clears a desk in a minute", "Made from offcuts of bigger furniture")),
        Shelf("Work Bags", (29, 260), (400, 2100), COLOURS,
            ("Canvas", "Leather", "Waxed", "Nylon"),
            ("Satchel", "Tote", "Briefcase", "Laptop Sleeve", "Messenger Bag"),
            ("Room for a laptop, a lunch and a jumper", "Straps that stay where they are put")),
    )),
    Department("Outdoors", 150, "For weekends without a plan.",
        ("Fellside", "Tarnhow", "Guyline", "Basecamp Nine"), (
        Shelf("Tents & Shelter", (35, 520), (600, 6200), ONE,
            ("Two-Person", "Three-Season", "Ultralight", "Family"),
            ("Tent", "Tarp", "Bivvy", "Sun Shelter", "Hammock"),
            ("Up in five minutes, in the dark too", "Stands in a wind that takes hats")),
        Shelf("Sleeping", (18, 290), (300, 2300), SIZES,
            ("Down", "Synthetic", "Insulated", "Compact"),
            ("Sleeping Bag", "Camp Mat", "Camp Pillow", "Bag Liner", "Quilt"),
            ("Packs to the size of a loaf", "Warm below what its label says")),
        Shelf("Packs", (25, 230), (350, 2400), COLOURS,
            ("Roll-Top", "Day", "Trekking", "Waterproof"),
            ("Rucksack", "Duffel", "Hip Pack", "Dry Bag", "Pannier"),
            ("Carries its weight on the hips", "Pockets where hands look for them")),
        Shelf("Camp Kitchen", (6, 125), (60, 1800), ONE,
            ("Titanium", "Folding", "Nesting", "Wind-Proof"),
            ("Stove", "Cook Set", "Mug", "Kettle", "Spork", "Water Filter"),
            ("Boils a litre in four minutes", "Packs into itself")),
    )),
    Department("Toys", 325, "For children, and whoever plays with them.",
        ("Tumbledown", "Little Ark", "Kubb & Kite", "Papillon"), (
        Shelf("Wooden Toys", (8, 90), (150, 3200), ONE,
            ("Beech", "Painted", "Stacking", "Pull-Along"),
            ("Train", "Blocks", "Animals", "Tractor", "Rainbow", "Farm"),
            ("Edges that little hands can trust", "Will be handed down")),
        Shelf("Puzzles", (6, 45), (200, 1400), SIZES,
            ("Wooden", "Illustrated", "Glow-in-the-Dark", "Double-Sided"),
            ("Jigsaw", "Map Puzzle", "Tangram", "Cube Puzzle", "Floor Puzzle"),
            ("No two pieces fit by mistake", "An evening's work for two")),
        Shelf("Board Games", (12, 70), (300, 2600), ONE,
            ("Co-operative", "Travel", "Classic", "Family"),
            ("Strategy Game", "Card Game", "Word Game", "Dice Game", "Quiz"),
            ("Explained in five minutes, played for years", "Nobody is out before the end")),
        Shelf("Craft Kits", (7, 52), (150, 1300), PACKS,
            ("Beginner's", "Botanical", "Felt", "Paper"),
            ("Weaving Kit", "Kite Kit", "Candle Kit", "Embroidery Kit", "Clay Kit"),
            ("Everything is in the box, scissors too", "Finished in one rainy afternoon")),
    )),
    Department("Bath", 185, "The first and the last half hour of the day.",
        ("Lathergood", "Tidewater", "Seven Springs", "Bain & Brosse"), (
        Shelf("Towels", (8, 75), (200, 1400), SIZES,
            ("Waffle", "Organic-Cotton", "Turkish", "Bamboo"),
            ("Bath Towel", "Hand Towel", "Bath Mat", "Bathrobe", "Face Cloths"),
            ("Dries in an hour on the rail", "Thirsty from the first use")),
        Shelf("Soap & Care", (4, 42), (80, 600), PACKS,
            ("Oat", "Rosemary", "Unscented", "Sea-Salt"),
            ("Soap", "Hand Cream", "Shampoo Bar", "Body Oil", "Lip Balm"),
            ("Made in small batches, with nothing to hide", "Kind to skin that cracks in winter")),
        Shelf("Shaving", (6, 130), (60, 700), ONE,
            ("Chrome", "Walnut", "Vegan", "Travel"),
            ("Safety Razor", "Shaving Brush", "Shaving Bowl", "Balm", "Shaving Soap"),
            ("Weighted so that it needs no pressure", "A better shave for less waste")),
        Shelf("Bathroom Things", (7, 88), (150, 2200), COLOURS,
            ("Bamboo", "Stone", "Brass", "Ribbed-Glass"),
            ("Soap Dish", "Mirror", "Toothbrush Holder", "Shelf", "Laundry Basket"),
            ("Goes up without drilling", "Does not mind the steam")),
    )),
)  # fmt: skip

OPENINGS = (
    "{praise}: the {thing} that people come back to us for.",
    "{praise}. That is all we wanted from a {thing}, and it took {brand} three years.",
    "A {thing} for every day. {praise}.",
    "{brand} has made this {thing} the same way since it began. {praise}.",
)
CLOSINGS = (
    "Repaired free of charge for five years.",
    "Packed in paper and card, without plastic.",
    "Comes in small numbers, and again when it is sold out.",
    "A present for somebody who has everything, and for oneself.",
    "Send it back within sixty days if it is not what you had in mind.",
)

FIRST_NAMES = (
    "Ada", "Björn", "Chloé", "Dmitri", "Esra", "Femi", "Grace", "Hugo", "Ines", "Jürgen", "Kofi",
    "Leïla", "Mateo", "Nuria", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma",
    "Viktor", "Wanda", "Ximena", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Bianchi", "Castro", "Dubois", "Eriksen", "Fontaine", "Groß", "Haddad", "Ivanova",
    "Jensen", "Kowalski", "Lindqvist", "Müller", "Novák", "Okafor", "Petrov", "Quinn", "Rossi",
    "Sato", "Tremblay", "Ünal", "Vargas", "Whitaker", "Yilmaz", "Zhang",
)  # fmt: skip

# What is said with one star, two stars, …: titles and bodies.
OPINIONS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("Broke within a week", "Not what was pictured", "Went straight back"),
     ("I had hoped for more. It came apart the second time I used it.",
      "The colour is nothing like the picture, and it smells odd.")),
    (("Disappointing", "Fine, but not at this price", "Smaller than I thought"),
     ("It does what it should, barely. The one I had before lasted ten years.",
      "Measure twice: mine turned out too small. The quality is so-so.")),
    (("Does the job", "Middling", "All right for the money"),
     ("Nothing to complain about and nothing to write home about.",
      "Good enough for the allotment. I would not give it as a present.")),
    (("Very pleased", "Good value", "Would buy again"),
     ("Feels solid and looks good on the shelf. One star off for the wait.",
      "My sister has borrowed it twice already. A little heavier than I expected.")),
    (("Wonderful", "Exactly right", "Best I have had", "A joy to use"),
     ("I use it every single day. Worth every penny.",
      "Arrived quickly, beautifully packed, and it is even nicer than in the picture.",
      "Bought one, then another for my mother. We are both delighted.")),
)  # fmt: skip

PRICE_REASONS = (
    "Spring sale",
    "New supplier",
    "Rise in cost of materials",
    "End of sale",
    "Review",
)
