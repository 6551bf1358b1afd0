# Les deux pages
page-hub-name = Plateforme de connaissances
page-description = Les faits sur les communautés de pratique en oncologie psychosociale, en soins palliatifs et en recherche sur le cancer, consignés une seule fois et servis partout.
page-skip = Aller au contenu
page-navigation = Pages du site
page-languages = Langue
page-home = Accueil
page-editor = Éditeur de requêtes
page-dashboard = Tableau de bord
page-schema = Schéma
page-asset-missing = Il n’y a pas de tel fichier ici. La page d’accueil de la plateforme mène à tout ce qu’elle offre.

# Accueil
page-home-heading = Des faits consignés une fois, justes partout
page-home-lead = Cette plateforme réunit ce que des organismes partenaires en oncologie psychosociale, en soins palliatifs et en recherche sur le cancer publient sur leurs communautés de pratique et les personnes qui en font partie, en français et en anglais. Les tableaux de bord, les sites Web des partenaires et d’autres programmes y lisent tout par une seule API GraphQL.
page-home-addresses = Adresses
page-home-api = API pour les programmes
page-home-api-use = Envoyez une requête GraphQL en JSON. La réponse vient dans la langue que demande votre en-tête Accept-Language.
page-home-editor-use = Écrivez et exécutez des requêtes dans le navigateur, avec des suggestions et la documentation à côté.
page-home-dashboard-use = Ce que contient la plateforme en graphiques et en tableaux, et une recherche dans le tout : une page statique sur la même API, libre à copier.
page-home-follow = Nouvellement publié
page-home-follow-use = Ce qui est publié, au moment même : une page qui garde sa place et ne manque rien, libre à copier.
page-home-schema-use = Chaque type et chaque champ avec sa description, pour vos propres outils.
page-home-examples = Essayez une requête
page-home-examples-use = Copiez une requête dans votre programme, ou ouvrez-la dans l’éditeur pour l’y exécuter.
page-home-examples-copy = Copiez une requête dans votre programme.
page-home-holds = Ce qu’elle contient
page-home-organizations = { $number ->
    [one] organisme
   *[other] organismes
}
page-home-communities = { $number ->
    [one] communauté de pratique
   *[other] communautés de pratique
}
page-home-people = { $number ->
    [one] personne affichée avec son accord
   *[other] personnes affichées avec leur accord
}
page-home-projects = { $number ->
    [one] projet
   *[other] projets
}
page-home-items = { $number ->
    [one] ressource
   *[other] ressources
}
page-home-topics = { $number ->
    [one] thème
   *[other] thèmes
}
page-home-newest = Ressources récentes
page-home-all-communities = { $number ->
    [one] La seule communauté
   *[other] { $number } communautés par nom
}
page-home-embed-use = Affichez une liste sur votre site : choisissez, regardez, copiez une ligne.
page-home-open = Ouvrir dans l’éditeur
page-home-copy = Copier
page-home-copied = Copié
page-home-selected = Sélectionné, à copier
page-home-sources = Chaque fait nomme sa source. Ce qu’une source ne précise pas reste ouvert ici aussi.

# Exemples de requêtes
page-example-resot = RÉSOT et ses responsables
page-example-hpco = Communautés de HPCO
page-example-oncology = Communautés en oncologie

# Éditeur de requêtes
page-editor-examples = Exemples :
page-editor-keys-run = Ctrl-Entrée exécute la requête.
page-editor-keys-suggest = Ctrl-Espace suggère ce qui convient.
page-editor-no-script = L’éditeur a besoin de JavaScript, qui est désactivé dans ce navigateur. Vous pouvez tout de même envoyer une requête avec ce formulaire; la réponse vient en JSON.
page-editor-query = Requête
page-editor-run = Envoyer la requête
page-editor-no-answer = La plateforme n’a pas donné de réponse lisible. Vérifiez votre connexion, puis exécutez la requête de nouveau.
