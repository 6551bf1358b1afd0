# Websites that show the hub's listings
site-origins = A site has 1 to { $max } origins; { $length } are given.
site-origin-ill-formed = “{ $value }” is not the origin of a website. Write https:// and the host, such as https://www.example.org.
site-origin-insecure = “{ $value }” is not encrypted. Write https://; http:// is taken for localhost, 127.0.0.1 and [::1] alone.
site-origin-more = “{ $value }” says more than scheme, host and port. Leave out the path, the query and the user name, as in https://www.example.org.
site-origin-wildcard = “{ $value }” stands for more than one website. Write each of them out, without *.
site-listing-ill-formed = “{ $value }” is not the name of a listing. Write up to 64 lower-case letters a to z, digits and hyphens, a letter first.
site-uses-days = This asks for { $days } days; at most { $max } are told at once.
