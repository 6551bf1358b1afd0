# Compte
page-account = Compte
account-heading-anybody = Se connecter
account-heading-known = Vous êtes en ligne
account-heading-trouble = La connexion n’a pas réussi
account-heading-refused = Cela n’a pas été fait
account-no-provider = Personne ne peut encore se connecter ici : les responsables de cette plateforme n’ont indiqué aucun fournisseur. Tout ce qui est public se lit sans connexion.
account-about = Vous vous connectez là où vous avez déjà un compte. La plateforme apprend comment ce fournisseur vous désigne, et rien d’autre : ni nom, ni adresse, ni mot de passe.
account-sign-in-with = Se connecter avec { $provider }
account-sign-in-again = Aller à la page du compte et réessayer
account-reference = Si vous signalez ceci, mentionnez la référence { $reference }.
account-issuer = Qui se porte garant de vous
account-subject = Comment vous y êtes désigné
account-person = Votre fiche sur la plateforme
account-person-none = Aucune pour le moment. Acceptez une invitation, ou demandez-la aux administrateurs.
account-rights = Vos droits
account-rights-none = Aucun, hormis la lecture de ce qui est public.
account-right-administrator = Administration
account-right-coordinator = Coordination
account-right-reviewer = Révision
account-right-member = Membre
account-right-representative = Représentation
account-place-hub = toute la plateforme
account-place-unseen = quelque chose que vous ne pouvez pas voir
account-sessions = Où vous êtes en ligne
account-session-count = { $count ->
    [one] Dans { $count } navigateur, celui-ci.
   *[other] Dans { $count } navigateurs, dont celui-ci.
}
account-sign-out = Se déconnecter ici
account-sign-out-everywhere = Se déconnecter partout

# Connexion
sign-in-provider-unknown = Il n’y a pas de fournisseur de ce nom; choisissez-en un à la page du compte.
sign-in-return-unfit = Après la connexion, on n’est conduit qu’à une page de cette plateforme; commencez à la page du compte.
sign-in-elsewhere = Cette connexion a été commencée dans un autre navigateur, ou il y a si longtemps que celui-ci l’a oubliée. Recommencez ici.
sign-in-over = Cette connexion est terminée : elle a déjà servi, ou elle a pris plus de dix minutes. Recommencez.
sign-in-denied = { $provider } indique que vous n’avez pas accepté de vous connecter. Personne n’a été connecté.
sign-in-away = { $provider } est injoignable pour le moment. Réessayez dans quelques minutes.
sign-in-clock = L’horloge de { $provider } et celle de la plateforme diffèrent de plus d’une minute, si bien que personne ne peut être connecté en toute sûreté. Avertissez les responsables de cette plateforme.
sign-in-misconfigured = { $provider } ne reconnaît pas cette plateforme. Ses responsables doivent comparer son identifiant de client, son secret et son adresse publique avec ce que possède le fournisseur.
sign-in-misunderstood = Ce que dit { $provider } est illisible. Avertissez les responsables de cette plateforme.
sign-in-untrusted = Ce qu’a envoyé { $provider } n’est pas digne de confiance; personne n’a donc été connecté. Recommencez; si cela se reproduit, avertissez les responsables de cette plateforme.
sign-out-own-page = On ne se déconnecte que par la page du compte de cette plateforme; ouvrez-la et employez le bouton qui s’y trouve.
