# What listings say
embed-title-communities-of-organization = Communautés de pratique : { $name }
embed-title-communities-by-topic = Communautés de pratique sur le thème : { $name }
embed-title-communities-by-language = Communautés de pratique, langue de travail : { $language }
embed-title-projects-of-organization = Projets : { $name }
embed-title-items-of-community = Nouveautés : { $name }
embed-description = { $title } : l’information que les partenaires tiennent à jour dans la plateforme de connaissances.
embed-for-whom = Pour qui
embed-contact = Coordonnées
embed-role-leader = Responsable
embed-role-coordinator = Coordination
embed-role-chair = Présidence
embed-members = Membres
embed-centres = Établissements
embed-launched = Lancement
embed-how-to-join = Comment se joindre
embed-join-open = Ouverte à tous, immédiatement.
embed-join-by-application = Sur demande.
embed-join-by-invitation = Sur invitation.
embed-join-here = Se joindre
embed-meetings = Rencontres
embed-with = Avec
embed-status = État
embed-started = Début
embed-ended = Fin
embed-led-by = Sous la direction de
embed-not-stated = Non précisé.
embed-none = Rien à afficher pour l’instant.
embed-more = Page suivante ({ $shown } sur { $total })
embed-and-others = et autres
embed-verified = Vérifié le { $day }
embed-not-verified = Pas encore vérifié
embed-source = Source :
embed-report = Signaler une erreur
embed-credit = Tenu à jour dans la plateforme de connaissances
embed-credit-home = La plateforme de connaissances
embed-updated = La liste a été mise à jour.
embed-away = La plateforme est injoignable pour l’instant. Ceci est une copie du
embed-in-language = en { $language }
embed-day = { $day ->
    [1] 1er
   *[other] { $day }
} { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
} { $year }
embed-as-of = au { $day }
embed-date-not-stated = date non précisée
embed-count-exact = { $number }{"\u00A0"}{ $unit }
embed-count-about = environ { $number } { $unit }
embed-count-more-than = plus de { $number } { $unit }
embed-count-at-least = au moins { $number } { $unit }
embed-count-nearly = près de { $number } { $unit }
embed-unit-members = { $number ->
    [one] membre
   *[other] membres
}
embed-unit-centres = { $number ->
    [one] établissement
   *[other] établissements
}
embed-members-known = { $number ->
    [one] { $number } membre sur la plateforme
   *[other] { $number } membres sur la plateforme
}
embed-project-planned = Prévu
embed-project-active = En cours
embed-project-suspended = Suspendu
embed-project-completed = Terminé
embed-project-stopped = Abandonné
embed-item-guide = Guide pratique
embed-item-report = Rapport
embed-item-webinar = Webinaire
embed-item-curriculum = Programme de formation
embed-item-statement = Énoncé
embed-item-tool = Outil
embed-item-story = Récit
embed-item-article = Article de revue
embed-item-presentation = Présentation
embed-item-workshop = Atelier
embed-item-meeting = Rencontre
embed-item-other = Ressource
embed-language-name = { $tag ->
    [ar] arabe
    [cr] cri
    [de] allemand
    [en] anglais
    [es] espagnol
    [fa] persan
    [fr] français
    [he] hébreu
    [hi] hindi
    [it] italien
    [iu] inuktitut
    [ja] japonais
    [ko] coréen
    [nl] néerlandais
    [oj] ojibwé
    [pa] pendjabi
    [pl] polonais
    [pt] portugais
    [ru] russe
    [tr] turc
    [uk] ukrainien
    [ur] ourdou
    [zh] chinois
   *[other] la langue { $tag }
}

# Why there is no listing
embed-refused-title = Affichage impossible
embed-refused = Cette liste ne peut pas être produite : { $reason }
embed-missing = Ce qu’il faut afficher n’est pas dans la plateforme, ou n’est pas public. Faites un nouveau choix sur la page destinée aux webmestres.
embed-parameter-missing = Il manque « { $name } » dans l’adresse, qui indique ce qu’il faut afficher.
embed-parameter-wrong = « { $value } » n’est pas une valeur de « { $name } » dans l’adresse.
embed-parameter-too-long = La valeur de « { $name } » dans l’adresse dépasse { $max } caractères.
embed-address-too-long = L’adresse demande plus de { $max } octets.
embed-site-unknown = L’adresse nomme un site qui n’est pas inscrit. Prenez un nouvel extrait sur la page destinée aux webmestres.
embed-site-elsewhere = L’adresse nomme un site auquel cette page n’appartient pas. Demandez à la personne qui l’a inscrit d’ajouter l’adresse de cette page.
embed-listing-not-agreed = Le site que l’adresse nomme est inscrit pour d’autres listes. Demandez à la personne qui l’a inscrit d’ajouter celle-ci.
oembed-format = Ce format n’est pas offert; demandez json ou xml.
oembed-no-address = Indiquez l’adresse à afficher : url=….
oembed-unknown = Il n’y a pas de liste à cette adresse.

# The page for webmasters
page-embed = Pour les sites Web
embed-page-heading = Affichez une liste sur votre site
embed-page-lead = Choisissez ce que vous voulez afficher, regardez le résultat et copiez un extrait. Votre page montre alors ce que contient la plateforme : dans la langue de la page, avec la date de vérification, sans copie qui vieillit.
embed-page-what = Quoi afficher
embed-page-kind = Liste
embed-kind-communities-of-organization = Communautés d’un organisme
embed-kind-communities-by-topic = Communautés sur un thème
embed-kind-communities-by-language = Communautés qui travaillent dans une langue
embed-kind-community = Une communauté
embed-kind-projects-of-organization = Projets d’un organisme
embed-kind-items-of-community = Ressources récentes d’une communauté
embed-field-organization = Organisme
embed-field-topic = Thème
embed-field-community = Communauté
embed-field-language = Langue de la communauté, par exemple fr
embed-field-hint = Commencez à taper un nom, puis choisissez.
embed-page-look = Présentation
embed-page-layout = Disposition
embed-look-list = Liste
embed-look-cards = Fiches
embed-look-compact = Compacte
embed-page-tag = Langue
embed-page-tag-own = Celle de la page
embed-page-theme = Couleurs
embed-theme-own = Celles de la page (cadre : claires)
embed-theme-light = Claires
embed-theme-dark = Sombres
embed-theme-auto = Selon l’appareil de la personne qui lit
embed-page-accent = Couleur d’accent
embed-page-live = Mettre à jour pendant que la page est ouverte
embed-page-live-note = Pour le composant Web seulement. La page garde une connexion avec la plateforme et annonce discrètement les changements. Désactivé par défaut.
embed-page-site = Identifiant du site (facultatif)
embed-page-site-note = Les sites inscrits sont affichés dans un cadre sur leurs propres pages seulement, et leur usage est compté par jour, sans suivre les personnes. Ce que répondent les navigateurs et les caches n’est pas compté. Les personnes qui coordonnent ou administrent inscrivent un site avec la mutation siteRegister.
embed-page-show = Afficher
embed-page-preview = Voici le résultat
embed-page-preview-width = Largeur
embed-page-wide = Large
embed-page-narrow = Étroite (320 px)
embed-page-open = Ouvrir séparément
embed-page-snippets = Copiez l’un de ces extraits
embed-page-component = Composant Web
embed-page-component-use = Le meilleur choix là où votre système accepte un script, comme WordPress pour les administrateurs et Drupal avec « HTML complet ». Il s’intègre à votre page, prend sa langue et montre la dernière bonne copie quand la plateforme est injoignable.
embed-page-pinned = Le même, en version fixe
embed-page-pinned-use = Pour les sites dont les règles exigent l’empreinte de chaque script. Il ne change jamais : prenez-en un nouveau de temps en temps.
embed-page-frame = Cadre
embed-page-frame-use = Là où les scripts sont retirés. La deuxième ligne donne au cadre la hauteur de son contenu; enlevez-la si elle n’est pas permise.
embed-page-html = HTML simple
embed-page-html-use = Pour les pages sans script : votre serveur insère dans la page la réponse de cette adresse (inclusion côté serveur). Les moteurs de recherche la lisent.
embed-page-oembed = Adresse seule
embed-page-oembed-use = Pour les systèmes qui remplacent une adresse collée par son contenu (oEmbed).
embed-page-copy = Copier
embed-page-copied = Copié
embed-page-selected = Sélectionné, il reste à copier
embed-page-shown = L’aperçu et les extraits sont maintenant ceux de « { $title } ».
embed-page-age = Un changement vaut en moins d’une seconde dans tout ce que sert la plateforme. Les navigateurs et les caches peuvent montrer la liste cinq minutes de plus, cinq autres pendant qu’ils la redemandent, et un jour si la plateforme est injoignable.
embed-page-faint = Le contraste de cette couleur avec le blanc est de { $contrast } pour 1. Les personnes qui voient mal ont besoin de 4,5 pour 1 : choisissez-en une plus foncée.
embed-page-no-script = Sans JavaScript, appuyez sur « Afficher » après chaque choix.
embed-choose-kind = Choisissez une liste.
embed-choose-what = Choisissez ce qu’il faut afficher, puis appuyez sur « Afficher ».

# The page on which mistakes are reported
report-heading = Signaler une erreur
report-lead = Qu’est-ce qui est inexact dans ce que la plateforme dit au sujet de { $name }? Votre message va aux personnes qui coordonnent la communauté. Personne d’autre ne le voit.
report-body = Ce qu’il faut corriger
report-body-note = Au plus { $most } caractères. Rien au sujet de patients, s’il vous plaît.
report-reply = Où vous répondre (facultatif)
report-send = Envoyer
report-sent = Merci. Les personnes qui coordonnent cette communauté trouveront votre message dans la plateforme : { $name }.
report-again = Écrire un autre message
report-elsewhere = Le formulaire a été envoyé depuis une page qui n’est pas celle de la plateforme. Ouvrez-le dans la plateforme et envoyez-le de là.
report-problems = Le message n’est pas encore envoyé :
