# Pannes
internal-fault = Une erreur s’est produite de notre côté. Veuillez citer la référence { $reference } en la signalant.
database-unavailable = La plateforme n’arrive pas à joindre sa base de données pour le moment. Veuillez réessayer sous peu.
write-forbidden = Vous pouvez voir ceci, mais non le modifier.

# Requêtes
http-accept = Cette adresse répond en application/graphql-response+json ou en application/json; acceptez l’un des deux dans Accept.
http-address-unreadable = Les paramètres de l’adresse sont illisibles; encodez-les en application/x-www-form-urlencoded.
http-batch = Les requêtes groupées ne sont pas acceptées; envoyez-les une à une.
http-body-not-json = Le corps ou un paramètre n’est pas le JSON que demande GraphQL sur HTTP : query et operationName sont des textes, variables et extensions sont des objets.
http-body-not-object = Le corps est du JSON, mais pas un objet contenant une requête.
http-body-too-large = Le corps dépasse { $max } octets; envoyez un document plus petit.
http-get-query-only = Seules les lectures (query) s’envoient par GET; envoyez ceci par POST.
http-media-type = Envoyez le corps en application/json, encodé en UTF-8.
http-method = Cette adresse accepte GET et POST.
http-query-missing = La demande ne contient pas de requête (query).
http-variables-not-object = Les variables et les extensions doivent être des objets.
query-too-complex = Le document en demande trop : { $limit ->
        [tokens] { $asked } lexèmes, alors que { $allowed } sont permis.
        [nesting] des crochets imbriqués sur { $asked } niveaux, alors que { $allowed } sont permis.
        [depth] des champs imbriqués sur { $asked } niveaux, alors que { $allowed } sont permis.
        [selections] { $asked } sélections une fois les fragments développés, alors que { $allowed } sont permises.
        [aliases] { $asked } alias, alors que { $allowed } sont permis.
        [directives] { $asked } directives, alors que { $allowed } sont permises.
        [lists] { $asked } listes, alors que { $allowed } sont permises.
       *[cost] un coût de { $asked } champs quand toutes les pages sont pleines, alors que { $allowed } sont permis.
    } Demandez-en moins, de plus petites pages, ou en plusieurs fois.

# Valeurs
cursor-malformed = Ceci n’est pas un curseur de cette plateforme; prenez-le dans une arête (edge) ou dans pageInfo.
cursor-of-another-list = Ce curseur appartient à une liste dont le filtre, l’ordre ou la langue diffère; recommencez cette liste.
cursor-expired = Ce curseur a expiré : il appartient à un autre journal, ou des modifications qui le suivent ne sont plus conservées. Refaites la liste, puis suivez à partir de changeCursor.
cursor-ahead = Ce curseur est dans le futur : le journal des modifications n’en est pas encore là.
subscription-one-field = Un abonnement a exactement un champ à sa racine, sans @skip ni @include.
http-subscription = Un abonnement s’envoie par un WebSocket (graphql-transport-ws) ou se demande en text/event-stream.
http-origin = Ce site ne peut pas ouvrir de WebSocket ici.
http-sockets = La plateforme a autant de flux ouverts qu’elle peut en tenir; réessayez plus tard.
subscription-too-large = Un abonnement prend au plus { $max } octets, document et variables compris.
subscription-too-many-here = Une connexion suit au plus { $max } opérations.
subscription-too-many = La plateforme suit autant de documents différents qu’elle le peut; réessayez plus tard.
day-ill-formed = « { $value } » n’est pas une date; écrivez-la comme 2026-11-21.
id-malformed = « { $id } » n’est pas un identifiant de cette plateforme.
id-of-wrong-kind = « { $id } » est l’identifiant d’un nœud de type { $kind }; il faut ici un identifiant de type { $wanted }.
list-too-long = La liste compte { $length } valeurs; on en accepte { $max } au plus.
page-first-and-last = Indiquez first ou last, mais pas les deux.
page-size-out-of-range = Une page compte de 1 à { $max } nœuds, et non { $size }.
period-backwards = La période se termine avant de commencer.

# Importation
import-line = { $file }, ligne { $line }, { $field } : { $reason }
line-too-long = La ligne dépasse { $max } octets.
line-not-utf8 = La ligne n’est pas en UTF-8.
line-not-json = La ligne n’est pas du JSON : { $reason }
line-not-object = La ligne est du JSON, mais pas un objet.
kind-unknown = Le type (kind) doit être topic, organization, community, person, role, membership, project, item ou link.
field-unusable = La valeur est inutilisable : { $reason }
key-twice = La clé { $key } figure déjà sur une autre ligne du même type.
key-unknown = Aucun nœud de type { $kind } n’a la clé { $key }, ni dans la plateforme ni parmi ces lignes.
id-twice = Le nom { $id } figure deux fois dans la liste.
slug-taken = L’identifiant d’adresse { $slug } appartient ou a appartenu à un autre nœud de ce type; choisissez-en un autre.
above-itself = { $key } serait au-dessus de lui-même; retirez l’un de ses parents.
audience-not-importable = Une audience est vide ou contient « public » seul; celle des personnes, des rôles, des adhésions et des liens est déduite.
home-twice = Une personne a au plus une organisation d’attache.
isni-wrong = « { $value } » n’est pas un ISNI : son caractère de contrôle ne convient pas.
wikidata-wrong = « { $value } » n’est pas un élément de Wikidata; écrivez-le comme Q42.
link-ends-wrong = Un lien de type { $kind } ne peut mener du type { $from } au type { $to }.
link-to-itself = Un lien unit deux nœuds différents.
reference-ill-formed = « { $value } » ne désigne aucun nœud; écrivez-le comme community:resot.
role-of-wrong-kind = Un rôle s’exerce dans une communauté ou dans une organisation.
source-empty = Une source a un titre, un éditeur, une adresse ou une citation.

# Communautés qu’aucune source ne nomme
community-of-domain = Communauté de pratique : { $domain }
community-of-partner = Communauté de pratique avec { $partner }
community-of-host = Communauté de pratique ({ $host })
community-of-host-launched = Communauté de pratique ({ $host }, lancée en { $launched })
community-unnamed = Communauté de pratique sans nom ({ $key })

# Liens
link-hosts = accueille
link-hosts-inverse = est accueillie par
link-coordinated-by = est coordonnée par
link-coordinated-by-inverse = coordonne
link-partners-with = collabore avec
link-partners-with-inverse = est partenaire de
link-member-of = est membre de
link-member-of-inverse = compte parmi ses membres
link-endorses = appuie
link-endorses-inverse = est appuyée par
link-adopts = adopte
link-adopts-inverse = est adoptée par
link-provides-website-for = fournit le site Web de
link-provides-website-for-inverse = tient son site Web de
link-republishes = republie
link-republishes-inverse = est republiée par
link-created = a créé
link-created-inverse = a été créée par
link-derives-from = est issue de
link-derives-from-inverse = a donné naissance à
link-supersedes = remplace
link-supersedes-inverse = est remplacée par

# Ligne de commande
cli-cannot-listen = La plateforme ne peut écouter sur { $address } ({ $reason }); arrêtez ce qui l’occupe, ou choisissez une autre adresse avec --listen.
cli-database-unreachable = La base de données est injoignable ({ $reason }); vérifiez --database-url et si le serveur tourne.
cli-file-unreadable = Le fichier { $file } est illisible ({ $reason }).
cli-loading = { $done } lignes sur { $total }
cli-loaded = Lignes lues : { $created } nouvelles, { $updated } modifiées, { $retired } retirées, { $unchanged } inchangées.{ $withheld ->
    [0] {""}
   *[other] {" "}Retenues parce qu’elles nomment une personne effacée : { $withheld }.
}
cli-migrated = { $count ->
    [0] La base de données est déjà à cette version.
    [one] La base de données est maintenant à cette version : { $count } migration.
   *[other] La base de données est maintenant à cette version : { $count } migrations.
}
cli-schema-older = { $count ->
    [one] La base de données est plus ancienne que ce programme : { $count } migration n’a pas été faite; faites une sauvegarde, puis lancez « hub migrate ».
   *[other] La base de données est plus ancienne que ce programme : { $count } migrations n’ont pas été faites; faites une sauvegarde, puis lancez « hub migrate ».
}
cli-schema-newer = La base de données est plus récente que ce programme (migration { $version }); utilisez le programme qui l’a faite, ou un plus récent.
cli-serving = En service sur http://{ $address }/
cli-demo =
    La plateforme est prête.
      API                  http://{ $address }/graphql
      Éditeur de requêtes  http://{ $address }/editor
      Tableau de bord      http://{ $address }/dashboard/
      Schéma               http://{ $address }/schema.graphql

    Trois requêtes à essayer :
      { $first }
      { $second }
      { $third }

    Ctrl-C arrête la plateforme.
config-connections = { $given } connexions à la base de données ne sont pas possibles; indiquez de 1 à 100.
config-file-unusable = Le fichier de réglages { $file } est inutilisable : { $reason }
config-retention = Le journal des modifications garde de 1 à 36 500 jours et au moins 1 000 modifications; indiquez --keep-changes-days et --keep-changes dans ces limites.
config-origin = « { $given } » n’est pas une origine : écrivez-la comme https://partenaire.example, sans chemin.
config-public-url = Les navigateurs ne gardent une connexion que pour des adresses en TLS, et « { $given } » n’en est pas une; indiquez --public-url comme https://plateforme.example.
config-oidc-incomplete = Un fournisseur de connexion a un émetteur, un identifiant de client et un secret de client; indiquez ensemble --oidc-issuer, --oidc-client-id et HUB_OIDC_CLIENT_SECRET.
config-provider-name = « { $given } » n’est pas un nom de fournisseur : écrivez de 1 à 40 lettres minuscules, chiffres et traits d’union.
config-provider-issuer = « { $given } » n’est pas l’émetteur d’un fournisseur ({ $name }) : écrivez-le comme https://emetteur.example, exactement comme le fournisseur.
config-provider-incomplete = Le fournisseur { $name } a besoin d’un libellé, d’un identifiant de client et d’un secret de client.
config-provider-twice = Le fournisseur { $name } a le nom ou l’émetteur d’un autre.
config-listen = « { $given } » n’est pas une adresse d’écoute; écrivez-la comme 127.0.0.1:8080.
config-no-home = Il n’y a pas de dossier personnel où garder les données; indiquez-en un avec --data-dir.
database-address-ill-formed = L’adresse de la base de données est inutilisable ({ $reason }); indiquez-la sous la forme postgres://utilisateur:motdepasse@hôte/base.
doctor-postgres = PostgreSQL { $version } dans { $folder }
doctor-folder = Dossier de données { $folder }; aucun serveur n’y tourne
doctor-folder-new = Dossier de données { $folder } : créé au premier démarrage
doctor-folder-served = Dossier de données { $folder }; son serveur est le processus { $pid }
doctor-space = { $megabytes } Mo libres pour { $folder }
doctor-space-low = Seulement { $megabytes } Mo libres pour { $folder }; faites de la place, ou choisissez un autre --data-dir.
doctor-server = Le serveur de base de données répond : version { $version }
doctor-server-old = Le serveur de base de données est à la version { $version }; il faut la version { $least } ou une plus récente.
doctor-encoding = La base de données est encodée en { $encoding }
doctor-encoding-wrong = La base de données est encodée en { $encoding }; il faut UTF8 : recréez la base avec ENCODING 'UTF8'.
doctor-extensions = unaccent et les classements ICU sont présents
doctor-extensions-missing = Il manque au serveur de base de données : { $missing }; installez le paquet contrib de PostgreSQL, compilé avec ICU.
doctor-schema = La base de données est à la version de ce programme
doctor-schema-empty = La base de données est vide; « hub serve » y crée les tables
date-too-early = « { $text } » nomme une année antérieure à 4712 av. J.-C., la première qui puisse être conservée.
http-busy = La plateforme est occupée par d’autres requêtes; réessayez dans quelques secondes.
http-too-slow = La réponse a pris plus de { $seconds } secondes; demandez-en moins, ou en plusieurs fois.
slug-not-taken = Les rôles, les adhésions et les liens n’ont pas d’identifiant d’adresse.

# Types de nœuds
retired-audience = Ce qui est retiré n’est vu de personne; omettez l’audience.
retire-alone = Une ligne qui retire un nœud ne dit rien d’autre.
membership-twice = La personne a une autre adhésion dans cette communauté, { $key }; il y en a une au plus.
item-published-when = Ce qui est publié dit quand : indiquez publishedAt.
item-draft-published = Un brouillon n’a pas été publié; omettez publishedAt.
item-draft-audience = Un brouillon n’est vu que par ceux qui le préparent; n’indiquez pas de public.

# Recherche et facettes
kind-not-searched = La recherche ne porte pas sur les nœuds de type { $kind }; demandez TOPIC, ORGANIZATION, COMMUNITY, PERSON, PROJECT ou ITEM.
facet-lacking = Les nœuds de type { $list } ne se répartissent pas selon { $dimension }.

# Importation à la ligne de commande
import-would-create = { $file }, ligne { $line } : créerait { $node }
import-would-update = { $file }, ligne { $line } : modifierait { $node }
import-would-keep = { $file }, ligne { $line } : laisserait { $node } tel quel
import-would-retire = { $file }, ligne { $line } : retirerait { $node }
import-would-withhold = { $file }, ligne { $line } : { $node } nomme une personne qui a été effacée; rien ne serait écrit.
import-rehearsed = Rien n’a été écrit.
cli-each-one-file = --each lit un seul fichier, ou l’entrée standard indiquée par -.
generate-not-empty = Les données synthétiques sont faites pour une plateforme vide; celle-ci a des nœuds. Indiquez un autre dossier de données ou une autre base de données.
generate-scale = L’échelle doit être supérieure à 0 et ne pas dépasser { $max }.
generate-done = { $nodes } nœuds créés, dont { $items } éléments, { $people } personnes et { $communities } communautés.
