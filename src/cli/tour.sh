API=http://127.0.0.1:8080/api/v1
json() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
key() { echo "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)"; }
IN=$(date -d '+30 days' +%F 2>/dev/null || date -v+30d +%F)
OUT=$(date -d '+32 days' +%F 2>/dev/null || date -v+32d +%F)
curl -s $API/auth/register -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"correct horse battery","full_name":"Ada Lovelace"}'
TOKEN=$(curl -s $API/auth/login -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"correct horse battery"}' | json access_token)
AUTH="Authorization: Bearer $TOKEN"
OFFER=$(curl -s "$API/search?city=paris&country=FR&check_in=$IN&check_out=$OUT&limit=1" -H "$AUTH" | json offer_id)
QUOTE=$(curl -s $API/quotes -H "$AUTH" -H 'Content-Type: application/json' -d "{\"offer_id\":\"$OFFER\"}" | json quote_id)
HOLD=$(curl -s $API/holds -H "$AUTH" -H "$(key)" -H 'Content-Type: application/json' -d "{\"quote_id\":\"$QUOTE\"}" | json hold_id)
curl -s $API/payments -H "$AUTH" -H "$(key)" -H 'Content-Type: application/json' -d "{\"hold_id\":\"$HOLD\",\"payment_method\":\"pm_card_visa\"}"
curl -s $API/bookings -H "$AUTH" -H "$(key)" -H 'Content-Type: application/json' -d "{\"hold_id\":\"$HOLD\",\"guest\":{\"full_name\":\"Ada Lovelace\",\"email\":\"ada@example.com\"}}"
