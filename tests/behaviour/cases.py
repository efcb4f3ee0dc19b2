"""The questions that every way to the catalogue must answer alike. Data only.

Words in braces stand for what the seeded shop holds, see `Words`. A case is asked with the shop's Host and otherwise
with nothing but the headers named here.
"""

from dataclasses import dataclass, field

CATALOG = "/api/catalog"


@dataclass(frozen=True)
class Words:
    """What the words in braces become."""

    product: str
    reviewed: str
    """The slug of the product with the most reviews."""
    repriced: str
    """The slug of one whose price has changed."""
    top: str
    """The slug of a category that has others in it."""
    leaf: str
    brand: str
    word: str
    """A word of a product's name."""


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    """As it stands in the request line."""
    status: int = 200
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    for_service: bool = True
    """False: it never gets to the service, because it is no path of the catalogue or changes something; the proxy leaves
    it with the monolith."""
    proxy_refuses: bool = False
    """True: servers read it differently, so that the proxy answers 400 in its own words rather than pass it on."""


def _case(name: str, path: str, status: int = 200, **more: object) -> Case:
    return Case(name, f"{CATALOG}{path}", status, **more)  # type: ignore[arg-type]


_LISTS = [
    _case("categories", "/categories/"),
    _case("category at the top", "/categories/{top}/"),
    _case("category at the bottom", "/categories/{leaf}/"),
    _case("brands", "/brands/"),
    _case("product", "/products/{product}/"),
    _case("prices", "/products/{repriced}/prices/"),
    _case("prices in pages", "/products/{repriced}/prices/?page_size=1"),
    _case("reviews", "/products/{reviewed}/reviews/"),
    _case("reviews, second page", "/products/{reviewed}/reviews/?page_size=2&page=2"),
]
_PRODUCTS = [
    _case("products", "/products/"),
    _case("second page", "/products/?page=2"),
    _case("page by an empty number", "/products/?page="),
    _case("page that is given twice", "/products/?page=2&page=1"),
    _case("page size", "/products/?page_size=100"),
    _case("last page", "/products/?page_size=40&page=3"),
    *(_case(f"order {order}", f"/products/?ordering={order}&page_size=100") for order in
      ("name", "price", "-price", "newest", "rating")),
    *(_case(f"order {order}, later page", f"/products/?ordering={order}&page_size=7&page=5") for
      order in ("name", "price", "-price", "newest", "rating")),
    _case("in a category", "/products/?category={leaf}"),
    _case("in a category with others in it", "/products/?category={top}&page_size=100"),
    _case("of a brand", "/products/?brand={brand}"),
    _case("from a price", "/products/?min_price=20"),
    _case("up to a price", "/products/?max_price=19.99&ordering=price"),
    _case("between prices", "/products/?min_price=10.5&max_price=50.00&ordering=-price"),
    _case("price with spaces", "/products/?min_price=%2010%20"),
    _case("rated", "/products/?rating=4&ordering=rating"),
    _case("everything at once",
          "/products/?category={top}&min_price=1&max_price=500&rating=1&ordering=newest&page_size=5"),
    _case("nothing found", "/products/?q=no-such-thing-anywhere"),
    _case("empty parameters", "/products/?q=&category=&brand=&min_price=&rating="),
    _case("unknown parameters", "/products/?colour=red&_=1700000000"),
    _case("lone question mark", "/products/?"),
]  # fmt: skip
_SEARCH = [
    _case("search", "/products/?q={word}"),
    _case("search within a category", "/products/?q={word}&category={top}"),
    _case("search in capitals", "/products/?q=TEA"),
    _case("search with accents", "/products/?q=t%C3%A9a"),
    _case("search with a ligature", "/products/?q=%EF%AC%81ne"),
    _case("search with sharp s", "/products/?q=stra%C3%9Fe"),
    _case("search with several words", "/products/?q=a+e"),
    _case("search with wild cards", "/products/?q=%25_%5C"),
    _case("search with quotes", "/products/?q=%27%22%3B--"),
    _case("search with an emoji", "/products/?q=%F0%9F%98%80"),
    _case("search with broken UTF-8", "/products/?q=%FF%FE"),
    _case("search in another alphabet", "/products/?q=%D0%96"),
    _case("suggest", "/suggest/?q={word}"),
    _case("suggest one letter", "/suggest/?q=a"),
    _case("suggest several words", "/suggest/?q=o%20a"),
    _case("suggest a category", "/suggest/?q={leaf}"),
    _case("suggest nothing", "/suggest/?q=zzzz"),
]
_REFUSED = [
    _case("unknown product", "/products/no-such-thing/", 404),
    _case("prices of an unknown product", "/products/no-such-thing/prices/", 404),
    _case("reviews of an unknown product", "/products/no-such-thing/reviews/", 404),
    _case("unknown category", "/categories/no-such-thing/", 404),
    _case("no such path", "/no/such/path/", 404),
    _case("the bare prefix", "/", 404),
    _case("the prefix without slash", "", 404),
    _case("page too far", "/products/?page=999", 404),
    _case("page zero", "/products/?page=0", 400),
    _case("page in words", "/products/?page=two", 400),
    _case("page in other digits", "/products/?page=%D9%A2", 400),
    _case("page with too many digits", "/products/?page=99999999999999999999", 400),
    _case("page size zero", "/products/?page_size=0", 400),
    _case("page size too large", "/products/?page_size=101", 400),
    _case("reviews, bad page", "/products/{reviewed}/reviews/?page=-1", 400),
    _case("category that is not", "/products/?category=no-such-thing", 400),
    _case("brand that is not", "/products/?brand=no-such-thing", 400),
    _case("price in words", "/products/?min_price=cheap", 400),
    _case("price below nothing", "/products/?min_price=-1", 400),
    _case("price with three places", "/products/?max_price=1.234", 400),
    _case("price with too many digits", "/products/?max_price=123456789012", 400),
    _case("price that is not a number", "/products/?max_price=NaN", 400),
    _case("price without end", "/products/?max_price=Infinity", 400),
    _case("prices the wrong way round", "/products/?min_price=9&max_price=8", 400),
    _case("rating too high", "/products/?rating=6", 400),
    _case("rating with a fraction", "/products/?rating=4.5", 400),
    _case("unknown order", "/products/?ordering=cheapest", 400),
    _case("order by a column", "/products/?ordering=category__name", 400),
    _case("search too long", "/products/?q=" + "x" * 101, 400),
    _case("search with NUL", "/products/?q=a%00b", 400),
    _case("many mistakes", "/products/?rating=x&min_price=y&ordering=z&brand=no&category=no", 400),
    _case("suggest without a word", "/suggest/", 400),
    _case("suggest nothing typed", "/suggest/?q=%20", 400),
]
_METHODS = [
    _case("HEAD of a list", "/products/", method="HEAD"),
    _case("HEAD of a product", "/products/{product}/", method="HEAD"),
    _case("HEAD of what is not there", "/products/no-such-thing/", 404, method="HEAD"),
    _case("HEAD of a bad page", "/products/?page=0", 400, method="HEAD"),
    _case("HEAD with gzip", "/products/", method="HEAD", headers={"Accept-Encoding": "gzip"}),
    _case("OPTIONS", "/products/", 405, method="OPTIONS"),
    _case("OPTIONS of reviews", "/products/{product}/reviews/", 405, method="OPTIONS"),
    _case("PUT", "/products/{product}/", 405, method="PUT"),
    _case("PATCH", "/products/{product}/", 405, method="PATCH"),
    _case("DELETE", "/categories/{top}/", 405, method="DELETE"),
    _case("POST", "/products/", 405, method="POST"),
    _case(
        "DELETE of reviews", "/products/{product}/reviews/", 403, method="DELETE", for_service=False
    ),
    _case(
        "POST of a review by nobody",
        "/products/{product}/reviews/",
        403,
        method="POST",
        for_service=False,
    ),
]
_HEADERS = [
    _case("gzip", "/products/", headers={"Accept-Encoding": "gzip"}),
    _case("gzip, weighted", "/categories/", headers={"Accept-Encoding": "br;q=1, gzip;q=0.5"}),
    _case("gzip refused", "/products/", headers={"Accept-Encoding": "gzip;q=0"}),
    _case("gzip of what is too small", "/suggest/?q=zzzz", headers={"Accept-Encoding": "gzip"}),
    _case("any type", "/brands/", headers={"Accept": "*/*"}),
    _case("a browser's types", "/brands/", headers={
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}),
    _case("JSON in four spaces", "/brands/", headers={"Accept": "application/json; indent=4"}),
    _case("only HTML", "/brands/", 406, headers={"Accept": "text/html"}),
    _case("malformed type", "/brands/", 406, headers={"Accept": "json"}),
    _case("format JSON", "/brands/?format=json"),
    _case("format XML", "/brands/?format=xml", 404),
    _case("another language", "/products/?page=0", 400, headers={"Accept-Language": "de"}),
    _case("a range", "/categories/", headers={"Range": "bytes=0-9"}),
    _case("cookies", "/products/", headers={"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345; theme=dark"}),
    _case("credentials of nobody", "/products/{reviewed}/reviews/", headers={
        "Authorization": "Bearer nobody"}),
    _case("entity tag of something else", "/brands/", headers={"If-None-Match": '"other"'}),
    _case("entity tag of anything", "/brands/", 304, headers={"If-None-Match": "*"}),
    _case("modified since long ago", "/brands/", headers={
        "If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}),
    _case("if match", "/brands/", 412, headers={"If-Match": '"other"'}),
    _case("another host", "/products/?page_size=1", headers={"Host": "localhost:8000"}),
    _case("host nobody knows", "/products/", 400, headers={"Host": "elsewhere.example"}),
    _case("malformed host", "/products/", 400, headers={"Host": "shop example"},
          proxy_refuses=True),
]  # fmt: skip
_PATHS = [
    _case("without slash", "/products", 301),
    _case("without slash, with a query", "/products?page=2&q=caf%C3%A9", 301),
    _case("product without slash", "/products/{product}", 301),
    _case("HEAD without slash", "/brands", 301, method="HEAD"),
    _case("unknown product without slash", "/products/no-such-thing", 301),
    _case("no such path, without slash", "/no/such/path", 404),
    _case("two slashes inside", "//products/", 404),
    _case("two slashes at the end", "/products//", 404),
    _case("percent-encoded letters", "/%70roducts/?page_size=1"),
    _case("percent-encoded slash", "/products%2F"),
    _case("percent-encoded slash in a slug", "/products/a%2Fb/", 404),
    _case("percent-encoded percent", "/products/%2570/", 404),
    _case("percent-encoded question mark", "/products/%3Fpage=2/", 404),
    _case("percent-encoded slug", "/products/%4Eo-such-thing/", 404),
    _case("slug in capitals", "/products/NO-SUCH-THING/", 404),
    _case("slug with an accent", "/products/caf%C3%A9/", 404),
    _case("slug with an accent, without slash", "/products/caf%C3%A9", 404),
    _case("slug in broken UTF-8", "/products/%FF/", 404),
    _case("slug with a space", "/products/a%20b/", 404),
    _case("slug with a plus", "/products/a+b/", 404),
    _case("slug with a tilde", "/products/a~b/", 404),
    _case("slug with a semicolon", "/products/a;b=1/", 404),
    _case("dot segments", "/products/../brands/", 404, proxy_refuses=True),
    _case("percent-encoded dot segments", "/products/%2e%2e/brands/", 404, proxy_refuses=True),
    _case("NUL in a slug", "/products/a%00b/", 404, proxy_refuses=True),
    _case("long slug", "/products/" + "x" * 2000 + "/", 404),
    _case("file in place of a page", "/products/index.html", 404),
    Case("capitals in the prefix", "/API/catalog/products/", 404, for_service=False),
    Case("two slashes in front", "//api/catalog/products/", 404, for_service=False),
    Case("name that goes on", "/api/catalogue/products/", 404, for_service=False),
    Case("the schema", "/api/schema/", for_service=False),
]

CASES = [*_LISTS, *_PRODUCTS, *_SEARCH, *_REFUSED, *_METHODS, *_HEADERS, *_PATHS]
