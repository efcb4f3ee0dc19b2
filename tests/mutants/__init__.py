"""How much would the comparison miss? Real answers of the shop are changed, one fault in each, and compared with the original.

    python -m mutants                       # the score of each operator, and which rule hid the rest
    python -m mutants --each 200 --seed 7 --json
    python -m mutants.soak --answers 5000   # the other way round: does it cry where nothing differs?

The operators know nothing of the differs. What a mutant must not be is equivalent, that is: the same by the definition in
docs/comparison.md. So no operator touches the order of an object's members, white space between tags, the order of
attributes, a header that is not compared, the value of a cookie or of a CSRF token, an `ETag` that follows from such a
token, or an `Expires` of a cookie that has a Max-Age (which wins). Whatever an operator does change is a difference, and
an answer that does not count as different is a mutant that survived.
"""
