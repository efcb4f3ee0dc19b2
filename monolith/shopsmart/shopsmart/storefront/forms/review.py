"""The form for a review."""

from django import forms

from shopsmart.catalog.models import Review


class ReviewForm(forms.ModelForm):
    rating = forms.TypedChoiceField(
        label="Your rating",
        coerce=int,
        choices=[
            ("5", "5 – love it"),
            ("4", "4 – good"),
            ("3", "3 – fine"),
            ("2", "2 – poor"),
            ("1", "1 – useless"),
        ],
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Review
        fields = ("rating", "title", "body")
        labels = {"title": "In one line", "body": "What should others know?"}
        widgets = {"body": forms.Textarea(attrs={"rows": 5})}
