# Langues
language-ill-formed = « { $tag } » n’est pas une étiquette de langue. Écrivez par exemple en, fr ou fr-CA.

# Textes
text-blank = Le texte est vide. Écrivez au moins un mot ou omettez le champ.
text-too-long = Le texte compte { $length } caractères et la limite est de { $max }. Veuillez le raccourcir.
text-control-character = Le texte contient un caractère de commande invisible, ou un saut de ligne ou une tabulation là où une seule ligne est permise. Supprimez-le, par exemple en retapant le texte.
text-language-twice = La langue « { $tag } » est donnée deux fois. Gardez un seul texte par langue.

# Dates
date-ill-formed = « { $text } » n’est pas une date que la plateforme sait lire. Écrivez une année, un mois ou un jour comme 2018, 2018-04 ou 2018-04-30, ajoutez ~ pour « environ » ou ? pour « incertain », ou écrivez une période comme 2018/2020, ou 2018/.. si elle se poursuit.
date-year-too-far = « { $text } » nomme une année hors du calendrier, qui va de -262143 à 262142. Écrivez une année comprise dans cet intervalle ou donnez la date en toutes lettres dans le libellé.
date-backwards = La période « { $text } » finit avant de commencer. Mettez la date la plus ancienne en premier.
date-empty = La date est vide. Donnez une date comme 2018-04 ou les mots mêmes de la source comme libellé, ou omettez le champ.

# Nombres
count-impossible = Ces nombres ne forment pas un décompte. EXACT demande le même nombre pour min et max, ABOUT demande les deux, AT_LEAST demande min seul et NEARLY demande max. Aucun ne peut être négatif ni dépasser 2147483647, et min ne peut pas dépasser max.

# Identifiants et adresses
orcid-wrong = « { $value } » n’est pas un identifiant ORCID, ou un chiffre est mal saisi. Copiez-le de la page ORCID de la personne. Il ressemble à 0000-0002-1825-0097.
doi-ill-formed = « { $value } » n’est pas un DOI. Copiez-le de doi.org; il ressemble à 10.1000/182.
ror-wrong = « { $value } » n’est pas un identifiant ROR, ou un caractère est mal saisi. Copiez-le de la page de l’organisme sur ror.org. Il ressemble à 03yrm5c26.
region-ill-formed = « { $value } » n’est pas un code de région. Écrivez le pays, un trait d’union et la région, comme CA-ON.
country-ill-formed = « { $value } » n’est pas un code de pays. Écrivez deux lettres, comme CA ou FR.
slug-ill-formed = « { $value } » ne peut pas faire partie d’une adresse. Écrivez au plus 80 caractères, des lettres minuscules de a à z sans accent et des chiffres, avec un seul trait d’union entre les mots, comme soutien-deuil.
web-address-ill-formed = « { $value } » n’est pas une adresse Web que la plateforme peut utiliser. Écrivez-la en entier, en commençant par https:// ou http://, sans espace, nom d’utilisateur ni mot de passe, en 2000 caractères au plus.
email-ill-formed = « { $value } » n’est pas une adresse courriel. Écrivez-en une comme info@example.org.
phone-ill-formed = « { $value } » n’est pas un numéro de téléphone. Écrivez des chiffres, des espaces et les signes + ( ) - . avec le numéro de poste après x, ext ou poste s’il y en a un, en 40 caractères au plus.
