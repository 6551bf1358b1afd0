# Les sites Web qui affichent les listes de la plateforme
site-origins = Un site a de 1 à { $max } origines; vous en donnez { $length }.
site-origin-ill-formed = « { $value } » n’est pas l’origine d’un site Web. Écrivez https:// et l’hôte, comme https://www.example.org.
site-origin-insecure = « { $value } » n’est pas chiffré. Écrivez https://; http:// n’est accepté que pour localhost, 127.0.0.1 et [::1].
site-origin-more = « { $value } » dit plus que le protocole, l’hôte et le port. Omettez le chemin, la requête et le nom d’utilisateur, comme dans https://www.example.org.
site-origin-wildcard = « { $value } » désigne plus d’un site Web. Écrivez chacun d’eux au long, sans *.
site-listing-ill-formed = « { $value } » n’est pas le nom d’une liste. Écrivez au plus 64 lettres minuscules de a à z, chiffres et traits d’union, en commençant par une lettre.
site-uses-days = Vous demandez { $days } jours; on en donne { $max } au plus à la fois.
