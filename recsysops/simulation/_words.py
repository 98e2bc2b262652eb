"""The words of the simulated service: what its catalogue can say, and which topic each word belongs to.

Not for logic: only tables of words. A word, genre or tag belongs to one topic, so that text carries a title's content.
"""

# ruff: noqa: E501 - a table of words is easier to read one topic to a line

from typing import Final, NamedTuple


class Topic(NamedTuple):
    """One topic of the taste space: its genre label and the words that speak of it."""

    genre: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    tags: tuple[str, ...]


def _topic(genre: str, nouns: str, adjectives: str, tags: str) -> Topic:
    return Topic(genre, tuple(nouns.split()), tuple(adjectives.split()), tuple(tags.split()))


TOPICS: Final[tuple[Topic, ...]] = (
    _topic("Drama", "marriage grief inheritance confession illness neighbour debt reunion funeral teacher",
           "quiet fractured tender unspoken weary restrained", "family-saga slow-burn character-study tearjerker intimate"),
    _topic("Comedy", "roommate prank wedding landlord sitcom misunderstanding cousin bakery karaoke intern",
           "hilarious awkward clumsy absurd cheeky sarcastic", "feel-good slapstick workplace-comedy satire buddy"),
    _topic("Thriller", "conspiracy hostage courier whistleblower safehouse cipher blackmail agent leak surveillance",
           "paranoid relentless covert breathless encrypted ruthless", "spy suspense cat-and-mouse political-thriller twist-ending"),
    _topic("Crime", "detective heist precinct cartel murder informant evidence burglary verdict gangster",
           "corrupt forensic hardboiled unsolved crooked violent", "police-procedural noir true-story whodunit mafia"),
    _topic("Romance", "lover kiss letter heartbreak bride flirtation crush anniversary suitor longing",
           "romantic passionate star-crossed lovesick charming bittersweet", "love-triangle second-chance meet-cute holiday-romance slow-dance"),
    _topic("Science Fiction", "spaceship android colony galaxy wormhole asteroid clone terraformer robot orbit",
           "interstellar cybernetic futuristic alien quantum synthetic", "dystopia time-travel space-opera first-contact artificial-intelligence"),
    _topic("Fantasy", "dragon sorcerer prophecy kingdom amulet elf sword throne spellbook griffin",
           "enchanted mythical cursed arcane immortal legendary", "sword-and-sorcery chosen-one epic-quest fairy-tale magic-school"),
    _topic("Horror", "demon asylum ghost exorcism corpse cellar ritual monster scream graveyard",
           "haunted sinister bloodcurdling possessed gruesome undead", "supernatural slasher found-footage psychological-horror creepy"),
    _topic("Documentary", "archive interview glacier ecosystem scientist witness expedition coral laboratory footage",
           "investigative intimate-lens factual environmental unseen scholarly", "nature investigation science biography social-issues"),
    _topic("Family", "puppy treehouse grandfather camp birthday backpack sibling kite lighthouse picnic",
           "heartwarming wholesome playful gentle mischievous cosy", "kids co-viewing animal-friends coming-of-age school"),
    _topic("Animation", "cartoon gadget critter superhamster doodle balloon toy pixel mascot jellybean",
           "animated colourful zany bouncy whimsical googly", "cgi hand-drawn anime stop-motion talking-animals"),
    _topic("Action", "explosion convoy mercenary chase helicopter commando bounty warehouse getaway vigilante",
           "explosive armed fearless high-octane bulletproof unstoppable", "martial-arts revenge car-chase military one-man-army"),
    _topic("Sport", "championship coach stadium boxer marathon locker-room rookie referee goalkeeper title-fight",
           "undefeated competitive sweaty underdog athletic record-breaking", "football boxing motorsport training underdog-story"),
    _topic("Music", "band concert melody songwriter chorus guitar orchestra tour microphone audition",
           "musical rhythmic electric melodic soulful backstage", "concert-film hip-hop classical jukebox dance"),
    _topic("History", "empire regiment parliament revolution trench queen treaty siege duchess dynasty",
           "imperial wartime victorian royal colonial besieged", "period-piece world-war costume-drama ancient court-intrigue"),
    _topic("Reality", "contestant makeover judge elimination challenge villa renovation host auction recipe",
           "competitive-eating glamorous unscripted outrageous shocking-new bargain", "dating-show cooking home-makeover talent-show survival"),
)  # fmt: skip

N_TOPICS: Final = len(TOPICS)

SENTENCES: Final[tuple[str, ...]] = (
    "When a {a0} {n0} turns up in {place}, {who} has to choose between a {a1} {n1} and the {n2} everybody else has given up on.",
    "For {who}, one {a0} {n0} is enough to set off a story of {n1} and {n2} that nobody in {place} saw coming.",
    "Between {n0} and {n1}, {who} learns that even a {a0} {n2} can be {a1} to somebody.",
    "What begins in {place} with a {n0} ends with a {a0} {n1}, and with {who} holding the {a1} {n2}.",
    "{who} thought the {n0} was gone for good; then comes a {a0} {n1}, a {a1} {n2}, and a night without sleep.",
    "Years later, the {a0} {n0} of {place} is back, and so is the {n1} that made {who} {a1} in the first place: a {n2}.",
)

FOREIGN_SENTENCES: Final[tuple[str, ...]] = (
    "Cuando todo parece perdido, una llamada inesperada obliga a los protagonistas a volver al lugar donde todo empezó.",
    "Nadie en la ciudad recuerda aquella noche, pero todos guardan silencio por una razón distinta.",
    "Con el paso de los años aprenderán que la verdad siempre encuentra la manera de salir a la luz.",
    "Una decisión tomada en un instante cambiará para siempre la vida de quienes la rodean.",
    "Bir yaz gecesi başlayan hikâye, kimsenin beklemediği bir yolculuğa dönüşür.",
    "Yıllar sonra geri dönen bir mektup, unutulmuş bütün soruları yeniden sordurur.",
)

PLACES: Final[tuple[str, ...]] = (
    "Lisbon", "a border town", "the old port", "Oslo", "a valley in Utah", "Hamburg", "Lagos", "the suburbs", "Busan",
    "a mountain village", "Chicago", "the night shift", "Naples", "an island without a bridge", "Leipzig", "Montreal",
)  # fmt: skip

GIVEN_NAMES: Final[tuple[str, ...]] = (
    "Ada", "Bruno", "Carla", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Leon", "Mira", "Nuri",
    "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wim", "Yara", "Zoe",
)  # fmt: skip

FAMILY_NAMES: Final[tuple[str, ...]] = (
    "Abel", "Brandt", "Castillo", "Dorn", "Eriksen", "Falk", "Garza", "Hoang", "Ito", "Jansen", "Kaya", "Lindqvist",
    "Moreau", "Nakata", "Okafor", "Petrov", "Quist", "Ramos", "Sorel", "Tanaka", "Ulrich", "Varga", "Weiss", "Yilmaz",
)  # fmt: skip

PROVIDERS: Final[tuple[str, ...]] = (
    "Northlight Originals", "Meridian Pictures", "Blue Harbor", "Kestrel Films", "Studio Linde", "Paper Moon",
    "Halcyon TV", "Roter Faden", "Sunset Licensing", "Pan-Asia Media", "Budget Reels", "Archive House",
)  # fmt: skip
"""Best first: quality of content and of metadata falls along the list."""

FRANCHISES: Final[tuple[str, ...]] = (
    "Iron Tide", "The Lantern Club", "Sector Nine", "Casa Verde", "Wolfram", "Little Oaks", "Deep Court", "Nightbus",
    "Glass Kingdom", "Second Serve", "Harbour Street", "Zero Orbit", "The Fold", "Red Kitchen", "Last Regiment",
    "Paperback", "Moonbears", "Black Ledger", "Overtime", "The Quiet Ward", "Sugar & Salt", "Kingsroad",
    "Static", "Northern Line", "Blue Monday", "Old Gods", "Tin Soldiers", "The Long Con", "Velvet", "Summer Camp",
    "Dragonfly", "Fever Pitch", "Cold Harbor", "Echo Park", "Bakers Row", "Hollow Creek", "Grand Tour", "Ninefold",
    "The Understudy", "Wild Coast",
)  # fmt: skip
