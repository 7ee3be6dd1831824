"""What people, firms, towns and jobs are called, and how a name becomes an address."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

FIRST_NAMES = {  # language: (men, women)
    "fr": (
        (
            "Étienne", "François", "Noël", "Jérôme", "Rémi", "Frédéric", "Benoît", "Loïc", "Gaël", "Cédric",
            "Raphaël", "Théo", "Léo", "Mathéo", "Hugo", "Antoine", "Julien", "Nicolas", "Thomas", "Pierre",
            "Paul", "Louis", "Karim", "Mehdi", "Yanis", "Amadou", "Stéphane", "Sébastien", "Jean-Noël",
            "Jean-François",
        ),
        (
            "Zoë", "Chloé", "Hélène", "Agnès", "Aurélie", "Anaïs", "Joëlle", "Maëlle", "Noémie", "Élodie",
            "Mélanie", "Céline", "Inès", "Léa", "Océane", "Margaux", "Sophie", "Camille", "Manon", "Lucie",
            "Claire", "Yasmine", "Fatou", "Nadia", "Marie-Thérèse", "Anne-Cécile", "Bérénice", "Solène",
            "Gaëlle",
        ),
    ),
    "en": (
        (
            "James", "Oliver", "Harry", "George", "Liam", "Noah", "Ethan", "Lucas", "Mason", "Ryan",
            "Conor", "Seán", "Aidan", "Patrick", "Daniel", "Samuel", "Owen",
        ),
        (
            "Emma", "Olivia", "Amelia", "Grace", "Sophia", "Charlotte", "Siobhán", "Niamh", "Zoë", "Chloë",
            "Hannah", "Ruby", "Lily", "Megan", "Alice", "Renée",
        ),
    ),
    "de": (
        (
            "Jürgen", "Günther", "Björn", "Jörg", "Lukas", "Felix", "Jonas", "Maximilian", "Sören",
            "Matthias", "Łukasz", "Håkon",
        ),
        (
            "Käthe", "Bärbel", "Heike", "Anneliese", "Lena", "Mia", "Hannah", "Sabine", "Ulrike", "Jördis",
            "Małgorzata", "Renate",
        ),
    ),
}  # fmt: skip
SURNAMES = {
    "fr": (
        "Lefèvre", "Müller", "Bézier", "Garçon", "Pélissier", "Gérard", "Besnard", "Fournier", "Girard",
        "Mercier", "Dupré", "Côté", "Desprès", "Guérin", "Chevallier", "Noël", "Thévenet", "Bérard",
        "Sénéchal", "Martin", "Bernard", "Petit", "Durand", "Moreau", "Laurent", "Roux", "Fontaine",
        "Benali", "Diallo", "Nguyen", "Traoré", "Haddad", "Rossi", "García", "Da-Silva", "Le-Goff",
        "D'Angelo", "L'Hermite", "Boulanger", "Rousseau", "Blanchard", "Faÿ", "Hû", "Æschlimann",
    ),
    "en": (
        "O'Brien", "O'Connor", "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Walker", "Wright",
        "McCarthy", "McIntyre", "Byrne", "Hughes", "Clarke", "Green", "Harris", "Lewis", "Young", "King",
        "Baker", "Hill", "Campbell", "Mitchell", "Carter", "Phillips", "Brontë",
    ),
    "de": (
        "Müller", "Schröder", "Schäfer", "Köhler", "Böhm", "Weiß", "Groß", "Fuchs", "Krämer", "Jäger",
        "Möller", "Hübner", "Lindström", "Sørensen", "Kowalski", "Wójcik", "Vogel", "Becker", "Hoffmann",
        "Koch",
    ),
}  # fmt: skip
CITIES = {  # country: (language, telephone code, towns)
    "France": (
        "fr", "+33",
        ("Paris", "Lyon", "Nîmes", "Orléans", "Besançon", "Saint-Étienne", "Bordeaux", "Lille", "Rennes",
         "Nantes", "Angoulême", "Toulouse", "Évry", "L'Haÿ-les-Roses", "Marseille"),
    ),
    "Belgique": ("fr", "+32", ("Bruxelles", "Liège", "Namur", "Gand")),
    "Suisse": ("fr", "+41", ("Genève", "Lausanne", "Neuchâtel", "Zürich")),
    "Canada": ("fr", "+1", ("Montréal", "Québec", "Trois-Rivières", "Toronto")),
    "Germany": ("de", "+49", ("München", "Köln", "Berlin", "Düsseldorf", "Würzburg")),
    "United Kingdom": ("en", "+44", ("London", "Leeds", "Bristol", "Edinburgh")),
    "Ireland": ("en", "+353", ("Dublin", "Cork", "Dún Laoghaire")),
    "United States": ("en", "+1", ("Boston", "Austin", "Chicago", "San José")),
}  # fmt: skip
JOBS = {  # kind: (for a man, for a woman), French and English
    "decision_maker": (
        ("Directeur marketing", "Directrice marketing"), ("Directeur commercial", "Directrice commerciale"),
        ("Head of Growth", "Head of Growth"), ("Chief Marketing Officer", "Chief Marketing Officer"),
        ("Gérant", "Gérante"), ("VP Sales & Marketing", "VP Sales & Marketing"), ("PDG", "PDG"),
        ("Directeur général adjoint", "Directrice générale adjointe"), ("Founder & CEO", "Founder & CEO"),
    ),
    "practitioner": (
        ("Chargé de marketing", "Chargée de marketing"), ("Growth Marketer", "Growth Marketer"),
        ("Chef de projet digital", "Cheffe de projet digital"), ("Content Manager", "Content Manager"),
        ("Traffic manager", "Traffic manager"), ("Consultant SEO", "Consultante SEO"),
        ("Responsable événementiel", "Responsable événementiel"), ("Marketing Ops", "Marketing Ops"),
        ("Ingénieur avant-vente", "Ingénieure avant-vente"), ("Sales Dev Rep", "Sales Dev Rep"),
    ),
    "student": (
        ("Étudiant", "Étudiante"), ("Étudiant en master marketing", "Étudiante en master marketing"),
        ("Student", "Student"), ("MBA student", "MBA student"), ("ÉTUDIANT", "etudiante"),
    ),
    "other": (
        ("Comptable", "Comptable"), ("Développeur", "Développeuse"), ("Office Manager", "Office Manager"),
        ("Assistant de direction", "Assistante de direction"), ("Acheteur", "Acheteuse"),
        ("Retraité", "Retraitée"), ("Legal Counsel", "Legal Counsel"), ("N/A", "N/A"),
        ("Délégué général", "Déléguée générale"),
    ),
}  # fmt: skip
TRADES = (
    "Boulangerie", "Imprimerie", "Menuiserie", "Transports", "Cabinet", "Laboratoires", "Éditions",
    "Établissements", "Ateliers", "Pharmacie", "Domaine", "Groupe", "Énergies", "Réseaux", "Maison",
    "Clinique", "Logistique",
)  # fmt: skip
FRENCH_ENDINGS = ("", " & Fils", " SAS", " SARL", " Frères", " et Associés", " SA")
GERMAN_ENDINGS = (" GmbH", " & Söhne KG", " AG", " Maschinenbau GmbH")
ENGLISH_ENDINGS = (" Ltd", " Consulting", " & Sons", " Partners", " Inc.", " Logistics Ltd")
COINED = (
    ("Novél", "Optim", "Datal", "Cloud", "Syn", "Alté", "Véri", "Inno", "Médi", "Agri", "Éco", "Neur",
     "Quant", "Bright", "North"),
    ("ia", "éo", "ys", "ance", "ora", "exis", "iris", "ium", "wave", "gate", "soft", "vista"),
    ("", " Technologies", " France", " Conseil", " Labs", " Analytics", " Santé", " Group"),
)  # fmt: skip
INDUSTRIES = (
    "COMPUTER_SOFTWARE", "INFORMATION_TECHNOLOGY_AND_SERVICES", "MARKETING_AND_ADVERTISING", "RETAIL",
    "FOOD_PRODUCTION", "CONSTRUCTION", "LOGISTICS_AND_SUPPLY_CHAIN", "HOSPITAL_HEALTH_CARE", "BANKING",
    "INSURANCE", "MACHINERY", "MANAGEMENT_CONSULTING", "EDUCATION_MANAGEMENT", "REAL_ESTATE", "PRINTING",
    "RENEWABLES_ENVIRONMENT",
)  # fmt: skip
MAILBOXES = (
    "gmail.com",
    "orange.fr",
    "free.fr",
    "hotmail.fr",
    "yahoo.fr",
    "laposte.net",
    "outlook.com",
    "icloud.com",
)
UNIVERSITIES = (
    "etu.univ-lyon.fr",
    "etudiant.univ-rennes.fr",
    "student.ulb.be",
    "etu.sorbonne.fr",
    "campus.tum.de",
)
COMPETITORS = (("Scorify", "scorify.io"), ("Qualéo", "qualeo.fr"), ("LeadPanda", "leadpanda.com"))

_NOT_DECOMPOSED = str.maketrans(
    {"ß": "ss", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i"}
)


@lru_cache(maxsize=4096)
def ascii_slug(text: str, gap: str = "-") -> str:
    """Lower-case letters and digits, all else as one `gap`: `Müller & Söhne` is `muller-sohne`."""
    plain = unicodedata.normalize("NFKD", text.translate(_NOT_DECOMPOSED)).encode("ascii", "ignore").decode()
    plain = plain.lower().replace("'", "")
    return gap.join("".join(c if c.isalnum() else " " for c in plain).split())
