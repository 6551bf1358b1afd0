//! The sentences of synthetic texts, with gaps for words: `{s}` subject, `{g}` group, `{p}` place, `{m}` method,
//! `{o}` outcome, `{r}` something rare, `{n}` a number.

use crate::transfer::generate::words::Pair;

/// Titles after "Sample guide: ".
pub const TITLES: [Pair; 8] = [
    ("{s} for {g}", "{s} pour {g}"),
    ("{s} {p}", "{s} {p}"),
    ("how to {o} {p}", "comment {o} {p}"),
    ("lessons on {s} for {g}", "leçons sur {s} pour {g}"),
    ("{s} and ways to {o}", "{s} et moyens pour {o}"),
    ("what {g} need {p}", "ce que vivent {g} {p}"),
    ("{s} after {m}", "{s} selon {m}"),
    ("steps to {o} for {g}", "étapes pour {o} avec {g}"),
];

/// The first sentence of a summary.
pub const OPENINGS: [Pair; 8] = [
    (
        "Made for {g}, this synthetic text gathers what is known about {s} {p}.",
        "Conçu pour {g}, ce texte synthétique rassemble ce que l’on sait sur {s} {p}.",
    ),
    (
        "It describes how {g} can {o} when the matter is {s}.",
        "On y décrit comment {g} peuvent {o} quand il est question de ce sujet : {s}.",
    ),
    (
        "The authors report on {s} {p} and draw on {m}.",
        "Les auteurs traitent un sujet précis, {s} {p}, et s’appuient sur {m}.",
    ),
    (
        "A short introduction to {s}, written with {g} and tested {p}.",
        "Une courte introduction portant sur {s}, rédigée avec {g} et mise à l’essai {p}.",
    ),
    (
        "Many teams ask about {s}; this synthetic example shows where to begin.",
        "Plusieurs équipes s’interrogent sur {s}; cet exemple synthétique montre par où commencer.",
    ),
    ("Based on {m}, it sets out {n} recommendations on {s}.", "Fondé sur {m}, il énonce {n} recommandations sur {s}."),
    ("This resource helps {g} to {o} {p}.", "Cette ressource aide {g} à agir {p} pour {o}."),
    (
        "The text follows {n} families over a year and looks at {s}.",
        "Le texte suit {n} familles pendant un an et porte un regard sur {s}.",
    ),
];

/// The middle of a summary.
pub const MIDDLES: [Pair; 10] = [
    (
        "Findings come from {m} in {n} centres and were discussed with {g}.",
        "Les constats proviennent de {n} centres, selon {m}, et ont été discutés avec {g}.",
    ),
    (
        "Each section ends with questions that help teams to {o}.",
        "Chaque section se termine par des questions qui aident les équipes pour {o}.",
    ),
    (
        "Particular attention is given to {s} and to the needs of {g}.",
        "Une attention particulière porte sur {s} et sur ce que demandent {g}.",
    ),
    (
        "Barriers are described {p}, together with ways to {o}.",
        "Les obstacles rencontrés {p} sont décrits, avec des moyens pour {o}.",
    ),
    (
        "The approach was developed through {m} and revised {n} times.",
        "L’approche a été élaborée par {m} et révisée {n} fois.",
    ),
    (
        "Examples show what changes for {g} when services are organized differently {p}.",
        "Des exemples montrent ce qui change pour {g} quand les services s’organisent autrement {p}.",
    ),
    (
        "A checklist of {n} points makes it possible to {o} without extra staff.",
        "Une liste de {n} points est proposée pour {o} sans personnel supplémentaire.",
    ),
    (
        "Partners may adapt the material on {s} to their own setting.",
        "Les partenaires peuvent adapter le matériel sur {s} à leur propre milieu.",
    ),
    (
        "Costs, training and privacy are considered before any decision to {o}.",
        "Les coûts, la formation et la vie privée sont examinés avant toute décision prise pour {o}.",
    ),
    (
        "Participants valued honest conversation, clear roles and time for {s}.",
        "Les participants ont apprécié la franchise, la clarté des rôles et le temps consacré à l’essentiel : {s}.",
    ),
];

/// What few summaries speak of.
pub const ASIDES: [Pair; 3] = [
    ("One chapter is about {r}.", "Un chapitre porte sur {r}."),
    ("An appendix reports on {r} {p}.", "Une annexe porte sur {r} {p}."),
    ("Questions on {r} remain open.", "Il reste des questions ouvertes sur {r}."),
];

/// The last sentence of a summary.
pub const CLOSINGS: [Pair; 6] = [
    ("Available in plain language, with references.", "Offert en langage clair, avec des références."),
    ("Next steps include {m} and a shared effort to {o}.", "La suite comprend {m} et un effort commun pour {o}."),
    ("Feedback from {g} is welcome.", "Les commentaires sont bienvenus, en particulier ceux que font {g}."),
    ("It will be reviewed after {n} months.", "Une révision est prévue après {n} mois."),
    ("Slides and a recording accompany the text.", "Des diapositives et un enregistrement accompagnent le texte."),
    ("The work continues {p}.", "Le travail se poursuit {p}."),
];

/// What a community is about: domain, community, practice, purpose.
pub const DOMAINS: [Pair; 4] = [
    ("Care and research on {s} {p}.", "Les soins et la recherche sur {s} {p}."),
    ("What is known about {s}, and how to {o}.", "Ce que l’on sait sur {s}, et comment {o}."),
    ("The daily work of {g} and questions on {s}.", "Le travail que font {g} et les questions sur {s}."),
    ("Evidence from {m} on {s}.", "Les données tirées par {m} sur {s}."),
];

/// Who the members are.
pub const MEMBERS: [Pair; 3] = [
    ("Synthetic members: {g} who meet to {o}.", "Membres synthétiques : {g} se réunissent pour {o}."),
    ("Synthetic members from {n} centres, among them {g}.", "Membres synthétiques de {n} centres, dont {g}."),
    ("Synthetic members who work {p} with {g}.", "Membres synthétiques qui travaillent {p} avec {g}."),
];

/// What members share.
pub const PRACTICES: [Pair; 3] = [
    ("Tools, stories and {m}.", "Des outils, des récits et {m}."),
    ("A shared library on {s} and {n} case examples.", "Une bibliothèque commune sur {s} et {n} exemples de cas."),
    ("Checklists that help {g} to {o}.", "Des listes qui servent avec {g} pour {o}."),
];

/// What a community or an organization is for.
pub const PURPOSES: [Pair; 3] = [
    ("To {o} and to learn from {m}.", "Pour {o} et apprendre par {m}."),
    ("To bring together {g} and {o} {p}.", "Pour réunir {g} et {o} {p}."),
    ("To {o}, with attention to {s}.", "Pour {o}, en portant attention à ce qui compte : {s}."),
];
