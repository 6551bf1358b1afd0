# Ce que la base de données ne peut pas faire pour le moment, et ce qui cloche dans son adresse.

database-busy = La plateforme est occupée par ce que d’autres demandent et écrivent; réessayez dans quelques secondes.
database-too-slow = La base de données y a mis trop de temps; demandez-en moins, ou en plusieurs fois.
storage-low = La plateforme n’a plus assez d’espace pour écrire quoi que ce soit; la lecture continue. Réessayez plus tard.
database-address-unreadable = L’adresse de la base de données est illisible; indiquez-la sous la forme postgres://utilisateur:motdepasse@hôte/base, et écrivez %40 ou %2F pour des signes comme @ ou / dans le mot de passe.
database-address-unknown = La plateforme ne connaît pas le paramètre { $place } de l’adresse de la base de données; corrigez son nom ou retirez-le.
database-address-unsupported = La plateforme ne prend pas { $name } dans l’adresse de la base de données; retirez-le.
database-ssl-mode = Dans l’adresse de la base de données, sslmode vaut disable, prefer, require, verify-ca ou verify-full.
database-ssl-system = Ce à quoi la machine se fie (sslrootcert=system) ne prouve rien sans le nom de l’hôte; ajoutez sslmode=verify-full.
database-ssl-no-root = Avec sslmode=verify-ca, l’adresse de la base de données doit nommer le fichier du certificat de son émetteur : sslrootcert=FICHIER.
database-ssl-root-unreadable = Les certificats de { $file } (sslrootcert) sont illisibles ({ $reason }); indiquez un fichier PEM que la plateforme peut lire.
database-ssl-root-none = Il n’y a pas de certificat dans { $file } (sslrootcert); indiquez un fichier PEM.
database-ssl-unusable = Aucune connexion chiffrée à la base de données ne peut être préparée ({ $reason }); nommez le certificat de son émetteur par sslrootcert=FICHIER.
