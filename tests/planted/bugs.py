"""The table of the planted bugs: of the kinds that extractions of services from Django shops really bring."""

from planted.bug import (
    IN_STATUS,
    Bug,
    Step,
    get,
    in_header,
    in_json,
    in_page,
    send,
    submit,
)
from planted.words import PASSWORD, SHOPPER, STOCK_KEEPER
from stranglerfig.compare.diff.difference import Kind

PRODUCTS = "/api/catalog/products/"
PRODUCT = "/api/catalog/products/{accented}/"
AVAILABILITY, STOCK = "/api/inventory/{sku}/", "/api/inventory/{sku}/stock/"
LOGIN = submit(
    "/account/login/?next=/orders/", "username", {"username": SHOPPER, "password": PASSWORD}
)

MONEY_AND_TEXT = (
    Bug(
        "amount-as-number",
        "money",
        "Amounts are numbers, where clients read texts with two places.",
        (get(PRODUCT),),
        in_json("$.price.amount", Kind.TYPE),
    ),
    Bug(
        "wrong-currency",
        "currency",
        "Former prices are in the currency of the settings, not in that of their row.",
        (get("/api/catalog/products/{repriced}/prices/"),),
        in_json("$.results[].currency", Kind.VALUE),
    ),
    Bug(
        "discount-rounded-down",
        "rounding",
        "A discount in percent loses its half cents, which shoppers round up.",
        (
            get("/api/cart/"),
            send("POST", "/api/cart/lines/", {"sku": "{rounded_sku}"}, 201),
            send("PUT", "/api/cart/promotion/", {"promotion_code": "WELCOME10"}),
        ),
        in_json("$.discount.amount", Kind.VALUE),
    ),
    Bug(
        "null-left-out",
        "null and absent",
        "Members without a value are left out, where they were null.",
        (get(PRODUCTS),),
        in_json("$.results[].compare_at", Kind.MISSING),
    ),
    Bug(
        "time-in-shop-zone",
        "time zones",
        "Times are the shop's wall clock and still say Z.",
        (get(PRODUCTS),),
        in_json("$.results[].created_at", Kind.VALUE),
    ),
    Bug(
        "name-decomposed",
        "Unicode",
        "Names come in the decomposed form: é is two characters.",
        (get(PRODUCT),),
        in_json("$.name", Kind.FORMAT),
    ),
    Bug(
        "description-cut",
        "truncated text",
        "A column of the copy is shorter, and descriptions end at 120 characters.",
        (get(PRODUCT),),
        in_json("$.description", Kind.VALUE),
    ),
)

LISTS = (
    Bug(
        "page-begins-one-early",
        "off by one",
        "Every page but the first begins with the last row of the one before.",
        (get(f"{PRODUCTS}?page=2"),),
        in_json("$.results[]", Kind.EXTRA),
    ),
    Bug(
        "next-loses-filter",
        "links",
        "The link to the next page forgets the brand that was asked for.",
        (get(PRODUCTS + "?brand={brand}&page_size=2"),),
        in_json("$.next", Kind.VALUE),
    ),
    Bug(
        "ties-in-another-order",
        "ordering",
        "Products rated alike are no longer sorted by how many rated them.",
        (get(f"{PRODUCTS}?ordering=rating&page_size=100"),),
        in_json("$.results", Kind.ORDER),
    ),
    Bug(
        "rows-twice",
        "duplicate rows",
        "A join brings a product once for each of its variants.",
        (get(PRODUCTS + "?category={leaf}&page_size=100"),),
        in_json("$.results", Kind.SIZE),
    ),
)

ERRORS = (
    Bug(
        "bad-filter-passed-over",
        "validation",
        "A filter that makes no sense is passed over, where it was a 400.",
        (get(f"{PRODUCTS}?brand=no-such-brand", 400),),
        IN_STATUS,
    ),
    Bug(
        "german-messages",
        "language",
        "Messages follow Accept-Language, where the shop has one language.",
        (get(f"{PRODUCTS}?min_price=cheap", 400, accept_language="de"),),
        in_json("$.min_price[]", Kind.VALUE),
    ),
    Bug(
        "not-found-is-a-page",
        "content type",
        "What the API has not is told by an HTML page.",
        (get("/api/catalog/nothing/", 404),),
        in_header("content-type", Kind.VALUE),
    ),
)

PAGES = (
    Bug(
        "text-escaped-twice",
        "HTML",
        "A product's page shows &amp; where an ampersand was written.",
        (get("/product/{ampersand}/"),),
        in_page(),
    ),
    Bug(
        "form-without-next",
        "form fields",
        "The login form has lost the hidden field that says where to go afterwards.",
        (get("/account/login/?next=/orders/"),),
        in_page(),
    ),
)

HEADERS = (
    Bug(
        "vary-without-cookie",
        "caching",
        "A page that greets people no longer says that it depends on their cookie.",
        (get("/"),),
        in_header("vary", Kind.MISSING, "[cookie]"),
    ),
    Bug(
        "may-be-framed",
        "security headers",
        "Pages lack X-Frame-Options.",
        (get("/account/login/"),),
        in_header("x-frame-options", Kind.MISSING),
    ),
    Bug(
        "session-cookie-for-scripts",
        "cookies",
        "The session's cookie is set without HttpOnly.",
        (LOGIN,),
        in_header("set-cookie", Kind.MISSING, "[sessionid].httponly"),
    ),
    Bug(
        "session-cookie-twice",
        "cookies",
        "The session's cookie is set for /account too, where it outlives the logout.",
        (LOGIN,),
        in_header("set-cookie", Kind.EXTRA, "[sessionid /account]"),
    ),
    Bug(
        "redirect-to-plain-http",
        "redirects",
        "Redirects name the scheme http, though whoever ends TLS has said https.",
        (get("/account/", 302, x_forwarded_proto="https"),),
        in_header("location", Kind.VALUE),
    ),
)

PEOPLE = (
    Bug(
        "login-forgets-next",
        "login",
        "Who logs in on the way to a page comes to the front page.",
        (LOGIN,),
        in_header("location", Kind.VALUE),
    ),
    Bug(
        "address-of-anybody",
        "ownership",
        "Whoever is logged in can read everybody's addresses by their number.",
        (get("/api/account/addresses/{foreign_address}/", 404),),
        IN_STATUS,
        SHOPPER,
    ),
    Bug(
        "orders-of-everybody",
        "ownership",
        "The page of one's orders lists those of all shoppers.",
        (get("/orders/"),),
        in_page(),
        SHOPPER,
    ),
    Bug(
        "reports-for-everybody",
        "permissions",
        "The sales report is open to whoever is logged in.",
        (get("/api/reports/sales/", 403),),
        IN_STATUS,
        SHOPPER,
    ),
    Bug(
        "csrf-not-asked",
        "CSRF",
        "The cart is changed without a CSRF token.",
        (Step("POST", "/api/cart/lines/", 403, {"sku": "{sku}"}, has_token=False),),
        IN_STATUS,
        SHOPPER,
    ),
)

WRITES = (
    Bug(
        "quantity-stored-one-less",
        "write side effects",
        "Changing a quantity is answered right, and one less is stored.",
        (
            get("/api/cart/"),
            send("POST", "/api/cart/lines/", {"sku": "{sku}"}, 201),
            submit("/cart/", "quantity", {"quantity": "4"}),
            get("/cart/"),
        ),
        in_page(),
    ),
    Bug(
        "profile-of-another",
        "wrong owner",
        "A changed name is answered right, and stored with the next account.",
        (
            send("PATCH", "/api/account/", {"display_name": "Ada Lovelace"}),
            get("/api/account/"),
        ),
        in_json("$.display_name", Kind.VALUE),
        SHOPPER,
    ),
    Bug(
        "stale-availability",
        "stale cache",
        "Whether something can be bought is kept, and not forgotten when stock is counted.",
        (
            get(AVAILABILITY),
            send("PUT", STOCK, {"on_hand": 0, "reason": "counted"}),
            get(AVAILABILITY),
        ),
        in_json("$.availability", Kind.VALUE),
        STOCK_KEEPER,
    ),
    Bug(
        "low-at-five",
        "off by one",
        "“Only a few left” begins at the limit, not below it.",
        (send("PUT", STOCK, {"on_hand": 5, "reason": "counted"}), get(AVAILABILITY)),
        in_json("$.availability", Kind.VALUE),
        STOCK_KEEPER,
    ),
)

BUGS = {
    bug.name: bug for bug in (*MONEY_AND_TEXT, *LISTS, *ERRORS, *PAGES, *HEADERS, *PEOPLE, *WRITES)
}
