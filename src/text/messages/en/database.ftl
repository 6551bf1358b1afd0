# What the database cannot do for the moment, and how its address is wrong.

database-busy = The hub is busy with what others ask and write; try again in a few seconds.
database-too-slow = The database took too long over this; ask for less, or in several requests.
storage-low = The hub has too little space left to write anything, while reading goes on; try again later.
database-address-unreadable = The address of the database cannot be read; give it as postgres://user:password@host/database, and write signs such as @ or / in the password as %40 or %2F.
database-address-unknown = Parameter { $place } in the address of the database is none that the hub knows; correct its name or leave it out.
database-address-unsupported = The hub does not support { $name } in the address of the database; leave it out.
database-ssl-mode = In the address of the database, sslmode is one of disable, prefer, require, verify-ca and verify-full.
database-ssl-system = What the machine trusts (sslrootcert=system) shows nothing without the name of the host; write sslmode=verify-full with it.
database-ssl-no-root = With sslmode=verify-ca the address of the database has to name the file of its issuer's certificate: sslrootcert=FILE.
database-ssl-root-unreadable = The certificates in { $file } (sslrootcert) cannot be read ({ $reason }); give a file in PEM that the hub may read.
database-ssl-root-none = There is no certificate in { $file } (sslrootcert); give a file in PEM.
database-ssl-unusable = No encrypted connection to the database can be prepared ({ $reason }); name its issuer's certificate with sslrootcert=FILE.
